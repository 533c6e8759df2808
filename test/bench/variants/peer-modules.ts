// The peers are installed on their own, so nothing of them is known to the compiler: the least of their interfaces, written down here.
import type { RequestHandler } from 'express';

async function load(name: string): Promise<unknown> {
  const module = (await import(name)) as { default?: unknown };
  return module.default ?? module;
}

export interface Apicache {
  options(options: { redisClient?: unknown; headers?: object }): Apicache;
  middleware(duration: string): RequestHandler;
}
export interface RouteCache {
  config(options: { cacheStore?: unknown; max?: number }): RouteCache;
  cacheSeconds(seconds: number): RequestHandler;
}
export type Expeditious = (options: { namespace: string; defaultTtl: string; engine?: unknown }) => RequestHandler;

/** The least a key-value store has. */
export interface KeyValue<T> {
  get(key: string): Promise<T | undefined>;
  set(key: string, value: T, ttlMs?: number): Promise<unknown>;
}
interface BentoStack {
  useL1Layer(driver: unknown): BentoStack;
  useL2Layer(driver: unknown): BentoStack;
}
interface Bento<T> {
  get(options: { key: string }): Promise<T | undefined>;
  set(options: { key: string; value: T; ttl: string }): Promise<unknown>;
}

export const apicache = async (): Promise<Apicache> => (await load('apicache')) as Apicache;
export const routeCache = async (): Promise<RouteCache> => (await load('route-cache')) as RouteCache;
export const expeditious = async (): Promise<Expeditious> => (await load('express-expeditious')) as Expeditious;

export async function keyv<T>(redisUrl?: string): Promise<KeyValue<T>> {
  const { Keyv } = (await import('keyv' as string)) as { Keyv: new (options?: object) => KeyValue<T> };
  if (!redisUrl) return new Keyv();
  const { default: KeyvRedis } = (await import('@keyv/redis' as string)) as { default: new (url: string) => unknown };
  return new Keyv({ store: new KeyvRedis(redisUrl) });
}

export async function cacheable<T>(): Promise<KeyValue<T>> {
  const { Cacheable } = (await import('cacheable' as string)) as { Cacheable: new () => KeyValue<T> };
  return new Cacheable();
}

export async function bentocache<T>(connection?: unknown): Promise<KeyValue<T>> {
  const { BentoCache, bentostore } = (await import('bentocache' as string)) as {
    BentoCache: new (options: object) => Bento<T>;
    bentostore: () => BentoStack;
  };
  const stack = connection
    ? bentostore().useL2Layer(
        ((await import('bentocache/drivers/redis' as string)) as { redisDriver(o: object): unknown }).redisDriver({
          connection,
        }),
      )
    : bentostore().useL1Layer(
        ((await import('bentocache/drivers/memory' as string)) as { memoryDriver(o: object): unknown }).memoryDriver({
          maxItems: 5000,
        }),
      );
  const bento = new BentoCache({ default: 'store', stores: { store: stack } });
  return {
    get: (key) => bento.get({ key }),
    set: (key, value) => bento.set({ key, value, ttl: '1h' }),
  };
}

/** A client of the callback-style redis package that apicache and express-expeditious expect. */
export async function callbackRedis(url: string): Promise<unknown> {
  const redis = (await load('redis')) as { createClient(url: string): unknown };
  return redis.createClient(url);
}
export async function expeditiousRedisEngine(port: number, db: number): Promise<unknown> {
  const engine = (await load('expeditious-engine-redis')) as (options: object) => unknown;
  return engine({ redis: { host: '127.0.0.1', port, db } });
}
export async function routeCacheRedisStore(client: unknown): Promise<unknown> {
  const Store = (await load('route-cache/ioRedisStore.js')) as new (client: unknown) => unknown;
  return new Store(client);
}
