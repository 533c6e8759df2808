import type { Clock } from '../../common/clock.js';
import { safeErrorText } from '../../common/errors.js';
import type { Check, CheckAnswer, HealthStatus } from './check.js';

/** What became of a check. */
export interface CheckResult {
  readonly status: HealthStatus;
  /** Milliseconds; for a check that did not answer, its time limit. */
  readonly latencyMs: number;
  /** For `details` only. */
  readonly reason?: string | undefined;
}

/** A run that never settles is given up after this long, so that the check can recover. */
const GIVE_UP_MS = 60_000;

/**
 * Runs one check: at most one run at a time, each answer kept for a moment. So a flood of probes costs one run per
 * moment, and a dependency that hangs is asked once, not once per probe.
 */
export class CheckRunner {
  readonly check: Check;
  readonly #clock: Clock;
  readonly #keepMs: number;
  #underWay: { readonly startedAt: number } | undefined;
  #answer: Promise<CheckResult> | undefined;
  #kept: { readonly result: CheckResult; readonly at: number } | undefined;

  constructor(check: Check, clock: Clock, keepMs: number) {
    this.check = check;
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  /** Never rejects, and takes no longer than the check's time limit. */
  result(): Promise<CheckResult> {
    const now = this.#clock.now();
    if (this.#kept && now - this.#kept.at < this.#keepMs) return Promise.resolve(this.#kept.result);
    if (this.#answer) return this.#answer;
    // The last run has passed its limit and still goes on: no second one beside it.
    if (this.#underWay && now - this.#underWay.startedAt < GIVE_UP_MS) return Promise.resolve(this.#timedOut());
    this.#answer = this.#run().then((result) => {
      this.#kept = { result, at: this.#clock.now() };
      this.#answer = undefined;
      return result;
    });
    return this.#answer;
  }

  async #run(): Promise<CheckResult> {
    const startedAt = this.#clock.now();
    const run = { startedAt };
    this.#underWay = run;
    const limit = new AbortController();
    const answered = this.#ask(limit.signal, startedAt).finally(() => {
      if (this.#underWay === run) this.#underWay = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<CheckResult>((resolve) => {
      timer = setTimeout(() => resolve(this.#timedOut()), this.check.timeoutMs);
    });
    const result = await Promise.race([answered, late]);
    clearTimeout(timer);
    limit.abort();
    return result;
  }

  async #ask(signal: AbortSignal, startedAt: number): Promise<CheckResult> {
    const latency = () => Math.round((this.#clock.now() - startedAt) * 10) / 10;
    try {
      const { status, reason } = readAnswer(await this.check.run({ signal }));
      return { status, latencyMs: latency(), reason };
    } catch (error) {
      return { status: 'down', latencyMs: latency(), reason: safeErrorText(error) };
    }
  }

  #timedOut(): CheckResult {
    return { status: 'down', latencyMs: this.check.timeoutMs, reason: 'no answer in time' };
  }
}

const STATUSES: ReadonlySet<unknown> = new Set(['healthy', 'degraded', 'down']);

function readAnswer(answer: unknown): { status: HealthStatus; reason?: string | undefined } {
  if (answer === false) return { status: 'down' };
  if (STATUSES.has(answer)) return { status: answer as HealthStatus };
  const said = answer as Exclude<CheckAnswer, string | boolean> | null | undefined;
  if (typeof said === 'object' && said !== null && STATUSES.has(said.status)) {
    return { status: said.status, reason: typeof said.reason === 'string' ? said.reason.slice(0, 200) : undefined };
  }
  return { status: 'healthy' }; // a query's rows, an object, nothing: it answered
}
