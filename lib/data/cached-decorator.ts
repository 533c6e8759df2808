import type { Cache } from '../cache/cache.js';
import { coreOf } from '../cache/cache-core.js';
import {
  type CachedFunction,
  type CachedOptions,
  cachedFunction,
  claimName,
  resolveCachedOptions,
} from '../cache/cached-function.js';
import { dataCacheOf } from '../cache/data-cache.js';
import { functionOption } from '../common/options.js';

/** Options of the {@link cached} decorator. */
export interface CachedMethodOptions<This, A extends readonly unknown[], R> extends CachedOptions<A, R> {
  /** The cache, or where an instance has it. */
  readonly cache: Cache | ((instance: This) => Cache);
  /**
   * What of the instance the results depend on, such as a tenant; `undefined`: not cached for this one.
   * @default nothing: all instances share their results, on every server
   */
  readonly instance?: ((instance: This) => unknown) | undefined;
}

type Method<This, A extends readonly unknown[], R> = (this: This, ...args: A) => Promise<R>;

/** What stands in for `this` among the arguments. */
interface Holder {
  readonly self: unknown;
  readonly part: unknown;
}

type HeldFunction = CachedFunction<[Holder, ...unknown[]], unknown>;

/**
 * Keeps the results of an asynchronous method, as `cache.cached` does those of a function (a standard decorator). Its
 * name is that of its class and method. Throws at the first call what `cache.cached` throws for its options.
 */
export function cached<This, A extends readonly unknown[], R>(options: CachedMethodOptions<This, A, R>) {
  return <T extends This, B extends A, S extends R>(
    method: Method<T, B, S>,
    context: ClassMethodDecoratorContext<T, Method<T, B, S>>,
  ): Method<T, B, S> => {
    const { cache: source, instance: partOf } = options as unknown as CachedMethodOptions<unknown, unknown[], unknown>;
    if (partOf !== undefined) functionOption('cached.instance', partOf);
    const perCache = new WeakMap<Cache, HeldFunction>();
    const first = new FirstInstance();

    async function cachedMethod(this: T, ...args: B): Promise<S> {
      const cache = typeof source === 'function' ? source(this) : source;
      const part = partOf === undefined ? SHARED : partOf(this);
      if (part === SHARED && first.differs(this)) warnOfSharing(cache, String(context.name));
      let held = perCache.get(cache);
      if (held === undefined) {
        const name = options.name ?? `${declaringClass(this, cachedMethod)}.${String(context.name)}`;
        held = heldFunction(cache, method as unknown as Method<unknown, unknown[], unknown>, options, name);
        perCache.set(cache, held);
      }
      return held({ self: this, part }, ...(args as readonly unknown[])) as Promise<S>;
    }
    return cachedMethod;
  };
}

const SHARED = 'shared';

function heldFunction<This, A extends readonly unknown[], R>(
  cache: Cache,
  method: Method<unknown, unknown[], unknown>,
  options: CachedMethodOptions<This, A, R>,
  name: string,
): HeldFunction {
  const {
    cache: _cache,
    instance: _instance,
    ...given
  } = options as unknown as CachedMethodOptions<unknown, unknown[], unknown>;
  const { ttl, key, tags, resultTags } = given;
  const call = (holder: Holder, ...args: unknown[]) => method.apply(holder.self, args);
  const held: CachedOptions<[Holder, ...unknown[]]> = {
    ...given,
    name,
    ttl: typeof ttl === 'function' ? (result, _holder, ...args) => ttl(result, ...args) : ttl,
    key: ({ part }, ...args) => keyOf(part, key === undefined ? args : key(...args)),
    tags: typeof tags === 'function' ? (_holder, ...args) => tags(...args) : tags,
    resultTags: resultTags && ((result, _holder, ...args) => resultTags(result, ...args)),
  };
  const core = coreOf(cache);
  const config = resolveCachedOptions(call, held as unknown as CachedOptions);
  // Two classes may have the same name; their methods must not have the same results for it.
  claimName(core, name, method, options.name !== undefined);
  return cachedFunction(core, dataCacheOf(cache), config) as unknown as HeldFunction;
}

function keyOf(part: unknown, rest: unknown): unknown {
  const isNothing = [part, rest].some((one) => one === undefined || one === '' || Number.isNaN(one));
  return isNothing ? undefined : [part, rest];
}

/** The class that declares a method, not the one that inherits it. */
function declaringClass(self: unknown, method: unknown): string {
  if (typeof self === 'function') return self.name;
  for (let prototype = self; prototype !== null && typeof prototype === 'object'; ) {
    if (Object.values(Object.getOwnPropertyDescriptors(prototype)).some(({ value }) => value === method)) {
      return prototype.constructor.name;
    }
    prototype = Object.getPrototypeOf(prototype) as unknown;
  }
  return 'object';
}

/** Tells whether a method is called on more than one instance, without keeping any alive. */
class FirstInstance {
  #first: WeakRef<object> | undefined;
  #isKnown = false;

  /** `true` once, when a second instance is seen. */
  differs(self: unknown): boolean {
    if (this.#isKnown || self === null || typeof self !== 'object') return false;
    this.#first ??= new WeakRef(self);
    this.#isKnown = this.#first.deref() !== self;
    return this.#isKnown;
  }
}

function warnOfSharing(cache: Cache, method: string): void {
  coreOf(cache).log.warn(
    `warmpath: @cached '${method}' is called on several instances, which share its results. Say with \`instance\` what tells them apart, or \`instance: () => 'all'\`.`,
  );
}
