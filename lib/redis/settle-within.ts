/** How a call ended, as a value. */
export type Settled<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' };

const TIMEOUT = Object.freeze({ kind: 'timeout' });

/**
 * The outcome of a promise, or `timeout` after `ms` of wall-clock time. Never rejects; the promise may settle later
 * unheard. When the event loop was blocked past the deadline, what has arrived meanwhile is read first: a slow process
 * must not take its own delay for that of Redis.
 */
export function settleWithin<T>(promise: Promise<T>, ms: number): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => setImmediate(resolve, TIMEOUT), ms);
    timer.unref();
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
