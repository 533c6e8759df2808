import { type Duration, durationMs, positiveDurationMs } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { checkKnownKeys, functionOption, wholeNumber } from '../common/options.js';

/** What a flush is told about its batch. */
export interface FlushContext {
  /** The ids of the items, in their order: the same for the same item, however often it is delivered. */
  readonly ids: readonly string[];
}

/** Options of `cache.writeBehind`. */
export interface WriteBehindOptions<T = unknown> {
  /**
   * Writes a batch to where it belongs. What it throws or rejects with is tried again. Called at least once with every
   * item, in the order of the pushes, by one process at a time.
   */
  readonly flush: (items: readonly T[], context: FlushContext) => unknown;
  /** Items per batch, at most. @default 100 */
  readonly maxBatch?: number | undefined;
  /** How long an item waits for a batch to fill up. @default '1s' */
  readonly maxDelay?: Duration | undefined;
  /** Items waiting, at most, over all instances; then pushes wait. @default 100000 */
  readonly maxLength?: number | undefined;
  /** How long a push waits for room, or for Redis to be there, before it is refused. @default '5s' */
  readonly pushTimeout?: Duration | undefined;
  /** How often an item is tried alone before it is set aside. @default 5 */
  readonly maxTries?: number | undefined;
  /**
   * While nothing at all can be flushed, which says more about the database than about the item, an item is set aside
   * only after so long. @default '1m'
   */
  readonly poisonAfter?: Duration | undefined;
  /** What tells an item from others, for items that are pushed more than once. @default a new id per push */
  readonly id?: ((item: T) => string) | undefined;
}

/** {@link WriteBehindOptions}, checked. */
export interface WriteBehindConfig {
  readonly flush: (items: readonly unknown[], context: FlushContext) => unknown;
  readonly maxBatch: number;
  readonly maxDelayMs: number;
  readonly maxLength: number;
  readonly pushTimeoutMs: number;
  readonly maxTries: number;
  readonly poisonAfterMs: number;
  readonly idOf: ((item: unknown) => unknown) | undefined;
}

const KEYS = ['flush', 'maxBatch', 'maxDelay', 'maxLength', 'pushTimeout', 'maxTries', 'poisonAfter', 'id'];
const MOST_PER_BATCH = 10_000;

/**
 * {@link WriteBehindOptions}, checked; durations in milliseconds. @throws WarmpathError `ERR_OPTION`,
 * `ERR_UNKNOWN_OPTION`
 */
export function resolveWriteBehindOptions<T>(
  options: WriteBehindOptions<T> = {} as WriteBehindOptions<T>,
): WriteBehindConfig {
  checkKnownKeys('writeBehind', options, KEYS);
  const { flush, maxBatch = 100, maxDelay = '1s', maxLength = 100_000, pushTimeout = '5s' } = options;
  const { maxTries = 5, poisonAfter = '1m', id } = options;
  if (maxBatch > MOST_PER_BATCH) throw optionError('writeBehind.maxBatch', `at most ${MOST_PER_BATCH}`, maxBatch);
  return Object.freeze({
    flush: functionOption<WriteBehindConfig['flush']>('writeBehind.flush', flush),
    maxBatch: wholeNumber('writeBehind.maxBatch', maxBatch, 1),
    maxDelayMs: positiveDurationMs('writeBehind.maxDelay', maxDelay),
    maxLength: wholeNumber('writeBehind.maxLength', maxLength, 1),
    pushTimeoutMs: durationMs('writeBehind.pushTimeout', pushTimeout),
    maxTries: wholeNumber('writeBehind.maxTries', maxTries, 1),
    poisonAfterMs: durationMs('writeBehind.poisonAfter', poisonAfter),
    idOf: id === undefined ? undefined : functionOption<(item: unknown) => unknown>('writeBehind.id', id),
  });
}
