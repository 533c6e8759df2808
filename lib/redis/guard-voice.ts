import type { EventBus } from '../common/events.js';
import { type Logger, warningsOnly } from '../common/logger.js';

/** Says what changed, once per change, to every logger and event bus of those who share a guard. */
export class GuardVoice {
  readonly #loggers = new Map<object, Logger>();
  readonly #buses = new Map<object, EventBus>();
  readonly #nodesDown = new Set<string>();
  readonly #denied = new Set<string>();
  #told: 'up' | 'down' | undefined;
  #isNameless = false;

  join(listener: object, logger: Logger | undefined, bus: EventBus | undefined): void {
    if (logger) this.#loggers.set(listener, logger);
    if (bus) this.#buses.set(listener, bus);
  }

  leave(listener: object): void {
    this.#loggers.delete(listener);
    this.#buses.delete(listener);
  }

  stateIs(state: 'up' | 'down', reason: string): void {
    if (this.#told === state) return;
    this.#told = state;
    if (state === 'up') this.#log('info', 'warmpath: Redis is in use');
    else this.#log('warn', `warmpath: Redis is out of use (${reason}); going on without it`);
    for (const bus of new Set(this.#buses.values())) bus.emit({ type: 'redis-state', state, reason });
  }

  nodeChanged(name: string, isUp: boolean, reason: string): void {
    if (isUp === !this.#nodesDown.has(name)) return;
    if (isUp) this.#nodesDown.delete(name);
    else this.#nodesDown.add(name);
    if (isUp) this.#log('info', `warmpath: Redis node ${name} is in use again`);
    else this.#log('warn', `warmpath: Redis node ${name} is out of use (${reason}); its keys are passed over`);
  }

  /** The server does not tell who it is. */
  nameless(): void {
    if (this.#isNameless) return;
    this.#isNameless = true;
    this.#log(
      'warn',
      'warmpath: Redis does not tell its run_id (INFO denied?); writes lost in a failover go unnoticed',
    );
  }

  denied(op: string): void {
    if (this.#denied.has(op)) return;
    this.#denied.add(op);
    this.#log('warn', `warmpath: the Redis user may not do what '${op}' needs (NOPERM)`);
  }

  #log(level: 'info' | 'warn', message: string): void {
    const loggers = this.#loggers.size > 0 ? new Set(this.#loggers.values()) : [warningsOnly];
    for (const logger of loggers) logger[level](message);
  }
}
