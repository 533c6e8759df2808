// An object made by `Object.create(null)` is a hash table to V8, and slow.
const Bare = function Bare() {} as unknown as new () => Record<string, never>;
Bare.prototype = Object.create(null);

/** An object that inherits nothing, for names that others choose. */
export function bareObject<T>(): Record<string, T> {
  return new Bare();
}
