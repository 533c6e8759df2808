import type { Logger } from '../common/logger.js';

/** What a limiter may find wrong at run time. */
export type ReportCode =
  | 'ERR_TRUST_PROXY'
  | 'ERR_FORWARDED_IGNORED'
  | 'ERR_ADDRESS'
  | 'ERR_TIER'
  | 'ERR_LIMITER_KEY'
  | 'ERR_COST'
  | 'ERR_SKIP'
  | 'ERR_NEAR_LIMIT';

/** Says each thing once per limiter: a misconfiguration shows on every request and must not fill the log. */
export class Reports {
  readonly #logger: Logger;
  readonly #limiter: string;
  readonly #said = new Set<ReportCode>();

  constructor(logger: Logger, limiter: string) {
    this.#logger = logger;
    this.#limiter = limiter;
  }

  once(code: ReportCode, text: string): void {
    if (this.#said.has(code)) return;
    this.#said.add(code);
    this.#logger.warn(`rateLimiter '${this.#limiter}': ${code}: ${text}`);
  }
}
