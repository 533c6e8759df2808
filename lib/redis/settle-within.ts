/** How a call ended, as a value. */
export type Settled<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' };

const TIMEOUT = Object.freeze({ kind: 'timeout' });
// A timer this late means that the process was busy, so that it is not known how long Redis took.
const LATE_MS = 10;

/**
 * The outcome of a promise, or `timeout` after `ms` of wall-clock time. Never rejects; the promise may settle later
 * unheard. When the event loop was blocked past the deadline, what has arrived meanwhile is read first, and the time by
 * which this process was late is given to Redis once more, up to `ms`: a busy process must not take its own delay for
 * that of Redis.
 */
export function settleWithin<T>(promise: Promise<T>, ms: number): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const dueAt = performance.now() + ms;
    let timer = setTimeout(() => setImmediate(expire), ms).unref();
    const expire = (): void => {
      const lateMs = performance.now() - dueAt;
      if (lateMs < LATE_MS) return resolve(TIMEOUT);
      timer = setTimeout(() => setImmediate(resolve, TIMEOUT), Math.min(lateMs, ms)).unref();
    };
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve({ kind: 'value', value });
      },
      (error: unknown) => {
        clearTimeout(timer);
        resolve({ kind: 'error', error });
      },
    );
  });
}

/** As {@link settleWithin}, for a function that may also throw at once. */
export function callWithin<T>(call: () => Promise<T>, ms: number): Promise<Settled<T>> {
  let promise: Promise<T>;
  try {
    promise = Promise.resolve(call());
  } catch (error) {
    return Promise.resolve({ kind: 'error', error });
  }
  return settleWithin(promise, ms);
}
