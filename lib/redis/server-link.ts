import type { Redis } from 'ioredis';
import type { Clock } from '../common/clock.js';
import { connectionFailureWord, type Failure, failureOf } from './failure.js';
import { ProbePace } from './probe-pace.js';
import { identify, type ServerIdentity } from './server-identity.js';
import { probeServer } from './server-probe.js';
import { callWithin, type Settled } from './settle-within.js';

/** What a link needs from the guard. */
export interface LinkSurroundings {
  readonly clock: Clock;
  readonly deadlineMs: number;
  /** A key this server would answer for; read to see whether it serves. */
  probeKey(): string;
  /** The tasks that must succeed before the link is used. Never rejects, and bounds itself. */
  admit(): Promise<boolean>;
  /** Whether a replica may be used: yes where the user connected to it, no for the master of a slot. */
  readonly replicaAllowed: boolean;
  /** How often a link in use is looked at: short where another server may take over unnoticed. */
  readonly upkeepMs: number;
  /** Whether this server was lost before: then it is looked at twice. */
  readonly wasLost: boolean;
  /** It is up or down now, or its identity was measured anew, or (down, at the start) the first attempt failed. */
  onChange(reason: string, link: ServerLink): void;
}

const FAILURES_TO_OPEN = 3;
const SILENT_LIMIT_MS = 10;
const IDENTIFY_LIMIT_MS = 1000;
const CONNECT_PATIENCE_MS = 1000;
// A master that was stopped and replaced may believe in itself until its own cron has run.
const QUARANTINE_MS = 300;

/** One connection to one server: its circuit breaker, and the admission that closes it. */
export class ServerLink {
  readonly redis: Redis;
  readonly #around: LinkSurroundings;
  readonly #pace = new ProbePace();
  #isUp = false;
  #isClosed = false;
  #failures = 0;
  /** A call was not answered in time, and none since. */
  #isSilent = false;
  /** Counts what makes a running admission worthless: a lost connection, a suspension. */
  #epoch = 0;
  #identity: ServerIdentity | undefined;
  /** It stopped answering; who knows what happened meanwhile. */
  #hung: boolean;
  #waits = 0;
  #trouble = 'closed';
  #deniedKey: string | undefined;
  #isBusy = false;
  /** A round fell due while one was running. */
  #isAsked = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners: readonly (readonly [string, (argument?: unknown) => void])[];

  constructor(redis: Redis, around: LinkSurroundings) {
    this.redis = redis;
    this.#around = around;
    this.#hung = around.wasLost;
    this.#listeners = [
      ['ready', () => this.#connected()],
      ['close', () => this.#disconnected()],
      ['end', () => this.#disconnected()],
      ['error', (error) => this.#noteTrouble(error)],
    ];
    for (const [event, listener] of this.#listeners) redis.on(event, listener);
    this.#schedule(0);
  }

  get isUp(): boolean {
    return this.#isUp && this.redis.status === 'ready';
  }

  /** Known from shortly before the link is up until the connection is lost. The same Buffer while it stays the same. */
  get reign(): Buffer | undefined {
    return this.#identity?.reign;
  }

  get identity(): ServerIdentity | undefined {
    return this.#identity;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#isSilent = false;
  }

  /**
   * How long a call may take: what it asks for, or hardly anything once the server has left one unanswered. A request
   * that makes several calls one after the other then waits for a hanging server only once.
   */
  patience(ms: number): number {
    return this.#isSilent ? Math.min(ms, SILENT_LIMIT_MS) : ms;
  }

  /** Counts a failure of a call; the third in a row takes the link out of use. */
  failed(failure: Failure): void {
    if (failure.kind === 'refusal' || !this.#isUp) return;
    this.#failures += 1;
    if (failure.kind === 'timeout') this.#isSilent = true;
    if (this.#failures >= FAILURES_TO_OPEN) this.#open(failure);
  }

  /** As {@link failed}, for a read of this key. What a user may not read is as good as away. */
  readFailed(failure: Failure, key: string): void {
    if (failure.kind === 'denied') this.#deniedKey = key;
    this.failed(failure);
  }

  /** Takes the link out of use until admission has run again. */
  suspend(reason: string): void {
    this.#epoch += 1;
    this.#fall(reason);
    this.#schedule(0);
  }

  /** Looks now whether the server still serves, and who it is. */
  check(): void {
    if (!this.#isBusy && this.#isUp) this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#isUp = false;
    this.#epoch += 1;
    clearTimeout(this.#timer);
    for (const [event, listener] of this.#listeners) this.redis.removeListener(event, listener);
  }

  #connected(): void {
    this.#pace.reset();
    this.#schedule(0);
  }

  #disconnected(): void {
    this.#epoch += 1;
    this.#identity = undefined;
    this.#hung = !this.#around.replicaAllowed;
    clearTimeout(this.#timer);
    this.#fall(this.#trouble);
  }

  #noteTrouble(error: unknown): void {
    this.#trouble = connectionFailureWord(error);
  }

  #open(failure: Failure): void {
    this.#hung = failure.kind === 'timeout';
    this.#fall(failure.word);
    // Sentinel may have named another master while this one hung: ask again rather than trust it when it wakes.
    if (this.#hung && this.redis.options.sentinels) this.redis.disconnect(true);
    this.#schedule(this.#pace.afterTrip(this.#around.clock.now()));
  }

  #fall(reason: string): void {
    this.#isUp = false;
    this.#failures = 0;
    if (!this.#isClosed) this.#around.onChange(reason, this);
  }

  #schedule(delayMs: number): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#round(), delayMs);
    this.#timer.unref();
  }

  /** Never rejects. Exactly one runs at a time; each one schedules the next. */
  async #round(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#isBusy) {
      this.#isAsked = true;
      return;
    }
    this.#isBusy = true;
    this.#isAsked = false;
    const epoch = this.#epoch;
    const delayMs = this.#isUp ? await this.#upkeep(epoch) : await this.#admission(epoch);
    this.#isBusy = false;
    // What happened meanwhile (a reconnect, a suspension) asks for another look at once.
    if (epoch !== this.#epoch || this.#isAsked) this.#schedule(0);
    else if (delayMs !== undefined) this.#schedule(delayMs);
  }

  /** Milliseconds to the next round; `undefined` when something else will ask for it. */
  async #admission(epoch: number): Promise<number | undefined> {
    if (this.redis.status !== 'ready') return this.#awaitConnection();
    const { clock, deadlineMs } = this.#around;
    const probe = await probeServer(this.redis, this.#around.probeKey(), this.#deniedKey, deadlineMs);
    if (epoch !== this.#epoch) return 0;
    if (!probe.isGood) return this.#refuse(probe.word, probe.isLate);
    this.#deniedKey = undefined;
    if (this.#hung && !this.#around.replicaAllowed) {
      this.#hung = false;
      return QUARANTINE_MS;
    }
    const identity = await callWithin(() => identify(this.redis, clock), IDENTIFY_LIMIT_MS);
    if (epoch !== this.#epoch) return 0;
    if (!this.#accept(identity)) return this.#refuse('identity', false);

    const isAdmitted = await this.#around.admit();
    if (epoch !== this.#epoch) return 0;
    if (!isAdmitted) return this.#refuse('admission', false);
    this.#rise();
    return this.#around.upkeepMs;
  }

  /** A client that is lazy is woken. One that is still not connected after a second is reported once. */
  #awaitConnection(): number | undefined {
    if (this.redis.status === 'wait') this.redis.connect().catch(() => {}); // told by its events
    this.#waits += 1;
    if (this.#waits === 1) return CONNECT_PATIENCE_MS;
    if (this.#waits === 2) this.#around.onChange(this.#trouble, this);
    return undefined;
  }

  #rise(): void {
    this.#isUp = true;
    this.#hung = false;
    this.#failures = 0;
    this.#trouble = 'closed';
    this.#pace.risen(this.#around.clock.now());
    this.#around.onChange('admitted', this);
  }

  #refuse(reason: string, isLate: boolean): number {
    if (reason !== 'closed') this.#trouble = reason;
    this.#around.onChange(this.#trouble, this);
    return isLate ? this.#pace.afterLateAnswer() : this.#pace.afterFailure();
  }

  async #upkeep(epoch: number): Promise<number | undefined> {
    const before = this.#identity;
    const settled = await callWithin(() => identify(this.redis, this.#around.clock), this.#around.deadlineMs);
    // Calls that failed meanwhile may have taken the link out of use, and said when to look again.
    if (epoch !== this.#epoch || !this.#isUp) return undefined;
    if (settled.kind !== 'value') {
      this.failed(settled.kind === 'timeout' ? { kind: 'timeout', word: 'timeout' } : failureOf(settled.error));
      return this.#isUp ? this.#pace.afterFailure() : undefined;
    }
    if (this.#accept(settled) && before?.reign === this.#identity?.reign) {
      this.succeeded();
      this.#around.onChange('measured', this);
      return this.#around.upkeepMs;
    }
    this.suspend('another reign');
    return 0;
  }

  #accept(settled: Settled<ServerIdentity>): boolean {
    if (settled.kind !== 'value') return false;
    const { value } = settled;
    if (value.role === 'replica' && !this.#around.replicaAllowed) return false;
    // The same object for the same reign, so that callers can compare by identity.
    const known = this.#identity?.reign;
    this.#identity = known?.equals(value.reign) ? { ...value, reign: known } : value;
    return true;
  }
}
