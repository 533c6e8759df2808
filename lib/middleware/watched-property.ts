/**
 * Records reads of a property, wherever it comes from; returns how to end that. Whoever sets it ends the watch of it: then it
 * is no input any more.
 */
export function watchProperty(target: object, name: string, record: () => void): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  if (own?.configurable === false) return () => {};
  const read =
    own === undefined ? () => Reflect.get(Object.getPrototypeOf(target), name, target) : () => readOwn(target, own);
  let replaced = false;
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get: () => {
      record();
      return read();
    },
    set: (value) => {
      replaced = true;
      Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
    },
  });
  return () => {
    if (replaced) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

function readOwn(target: object, own: PropertyDescriptor): unknown {
  return own.get === undefined ? own.value : own.get.call(target);
}
