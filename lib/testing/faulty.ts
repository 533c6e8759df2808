/** Something whose answers can be spoilt on demand. */
export interface Faulty<T extends object> {
  /** What to hand to the code under test, in place of the original. */
  readonly subject: T;
  /** From now on calls are made, and their answers replaced by an error. */
  fail(error?: Error): void;
  /** From now on calls are made, and never answered. */
  hang(): void;
  /** From now on answers are changed on their way. @default the second half of texts and bytes is lost, other values become `undefined` */
  corrupt(change?: (value: unknown) => unknown): void;
  /** Ends the fault. What hangs goes on hanging. */
  pass(): void;
  /** Answers spoilt so far. */
  readonly spoilt: number;
}

/**
 * Wraps a store, a repository or a Redis client: everything passes until a fault is asked for, and then every promise it
 * answers with is spoilt, unless `methods` names the only ones that are. Properties, events and synchronous answers pass.
 */
export function faulty<T extends object>(target: T, methods?: readonly string[]): Faulty<T> {
  let spoil: ((answer: Promise<unknown>) => Promise<unknown>) | undefined;
  let spoilt = 0;

  const subject = new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        const answer: unknown = value.apply(target, args);
        if (answer === target) return subject;
        const isMeant = methods === undefined || methods.includes(String(name));
        if (spoil === undefined || !isMeant || !isThenable(answer)) return answer;
        spoilt += 1;
        return spoil(Promise.resolve(answer));
      };
    },
  });

  return {
    subject,
    fail(error = new Error('failed on demand')) {
      spoil = (answer) =>
        answer.then(
          () => Promise.reject(error),
          () => Promise.reject(error),
        );
    },
    hang() {
      spoil = (answer) => {
        answer.catch(() => {}); // nobody hears of it
        return new Promise(() => {});
      };
    },
    corrupt(change = halve) {
      spoil = (answer) => answer.then(change);
    },
    pass() {
      spoil = undefined;
    },
    get spoilt() {
      return spoilt;
    },
  };
}

function isThenable(value: unknown): boolean {
  return typeof (value as { then?: unknown } | undefined | null)?.then === 'function';
}

function halve(value: unknown): unknown {
  if (typeof value === 'string') return value.slice(0, value.length / 2);
  if (Buffer.isBuffer(value)) return value.subarray(0, value.length / 2);
  return Array.isArray(value) ? value.map(halve) : undefined;
}
