/** How a call ended, as a value. */
export type Settled<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }
  | { readonly kind: 'timeout' };

const TIMEOUT = Object.freeze({ kind: 'timeout' });
const STEPS = 4;
// A step this late means that the process was busy: nobody knows how long Redis took.
const LATE_MS = 10;
// However busy the process is, nobody waits longer than this many times the limit.
const MOST_TIMES = 25;

/**
 * The outcome of a promise, or `timeout` after `ms`. Never rejects; the promise may settle later unheard. The time is
 * taken in steps, and a step during which this process was too busy to look does not count: a busy process must not
 * take its own delay for that of Redis. Before it gives up it reads what has arrived.
 */
export function settleWithin<T>(promise: Promise<T>, ms: number): Promise<Settled<T>> {
  return new Promise((resolve) => {
    const stepMs = ms / STEPS;
    const lateMs = Math.min(LATE_MS, stepMs);
    const lastAt = performance.now() + ms * MOST_TIMES;
    let left = STEPS;
    let timer: NodeJS.Timeout;
    const step = (): void => {
      const dueAt = performance.now() + stepMs;
      timer = setTimeout(() => {
        const now = performance.now();
        if (now - dueAt < lateMs) left -= 1;
        if (left > 0 && now < lastAt) step();
        else setImmediate(resolve, TIMEOUT);
      }, stepMs).unref();
    };
    step();
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
