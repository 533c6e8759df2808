import { randomBytes } from 'node:crypto';
import type { RedisGuard } from '../redis/guard.js';
import { runScript } from '../redis/scripts.js';

/** Takes or keeps a lease: KEYS lease; ARGV token, ms. */
const HOLD = `
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return 1
end
if holder then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** Gives a lease back if it is still ours: KEYS lease; ARGV token. */
const RELEASE = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`;

/** How long a lease lasts that is not renewed: another instance takes over after it at the latest. */
export const OWNER_TERM_MS = 3000;
const RENEW_AFTER_MS = 1000;

/**
 * One job that one instance of many does. Held for a few seconds and renewed while `hold` is called or `keep` runs, so
 * that another instance takes over soon after a crash.
 */
export class OwnerLease {
  readonly #guard: RedisGuard;
  readonly #key: string;
  readonly token = randomBytes(12).toString('base64url');
  #renewedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(guard: RedisGuard, key: string) {
    this.#guard = guard;
    this.#key = key;
  }

  /** Whether it is held for certain at this moment: by this process' own clock. */
  get isHeld(): boolean {
    return performance.now() - this.#renewedAt < OWNER_TERM_MS - 500;
  }

  /** Takes the lease, or renews it where that is due. */
  async hold(): Promise<boolean> {
    if (performance.now() - this.#renewedAt < RENEW_AFTER_MS) return true;
    const askedAt = performance.now();
    const reply = await this.#guard.run(
      'own',
      (client) => runScript(client, HOLD, [this.#key], [this.token, OWNER_TERM_MS]),
      undefined,
      this.#key,
    );
    if (reply.ok) this.#renewedAt = reply.value === 1 ? askedAt : Number.NEGATIVE_INFINITY;
    return this.isHeld;
  }

  /** Runs work of any length while the lease, if it is held, is renewed beside it. */
  async keep<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isHeld) return work();
    this.#timer ??= setInterval(() => void this.hold(), RENEW_AFTER_MS).unref();
    try {
      return await work();
    } finally {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  async release(): Promise<void> {
    if (this.#renewedAt === Number.NEGATIVE_INFINITY) return;
    this.#renewedAt = Number.NEGATIVE_INFINITY;
    await this.#guard.run(
      'own',
      (client) => runScript(client, RELEASE, [this.#key], [this.token]),
      undefined,
      this.#key,
    );
  }
}
