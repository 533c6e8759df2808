/** What a verified signed URL says about its bearer; set by `signedIdentity`, never by the client. */
export interface WarmpathIdentity {
  readonly identity: string;
  readonly tier: string | undefined;
}

/** How the client stands after this request, in express-rate-limit's words; set by `rateLimiter`. */
export interface RateLimitInfo {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  readonly resetTime: Date | undefined;
  /** Hash naming the client. */
  readonly key: string;
  readonly tier: string;
  /** Name of the tightest policy. */
  readonly policy: string;
}

declare global {
  // Express' own way to add to its Request: merging into this namespace.
  namespace Express {
    interface Request {
      warmpath?: WarmpathIdentity;
      rateLimit?: RateLimitInfo;
    }
  }
}
