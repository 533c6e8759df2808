import type { Cache } from '../cache/cache.js';
import { lifetimes, resolveValueUse, VALUE_USE_KEYS, type ValuePolicy, type ValueUse } from '../cache/value-options.js';
import type { Duration } from '../common/duration.js';
import { optionError } from '../common/errors.js';
import { checkKnownKeys, functionOption, textList } from '../common/options.js';

/** What names an entity. `7` and `'7'` name the same one. */
export type EntityId = string | number | bigint;

/** Many things by the ids of their entities: a map, or the things themselves in any order, those that do not exist left out. */
export type ByIds<Id, T> = ReadonlyMap<Id, T> | readonly T[];

/** Figures about entities that change more often than they do. */
export interface StatisticsOptions<Id, S> {
  /** The figures of many entities, by id. */
  readonly find: (ids: readonly Id[]) => ReadonlyMap<Id, S> | Promise<ReadonlyMap<Id, S>>;
  readonly ttl: Duration;
}

/** Options of {@link cachedRepository}. */
export interface CachedRepositoryOptions<T, Id extends EntityId = EntityId, F = unknown, L = readonly T[], S = never>
  extends ValueUse {
  readonly cache: Cache;
  /** What an entity is called, e.g. `movie`: begins every key, and is the entity of `cache.bump` and `entityTag`. */
  readonly name: string;
  readonly findById: (id: Id) => T | null | undefined | Promise<T | null | undefined>;
  /** All of these in one query. @default findById for each */
  readonly findMany?: ((ids: readonly Id[]) => ByIds<Id, T> | Promise<ByIds<Id, T>>) | undefined;
  readonly findAll?: ((filter: F) => L | Promise<L>) | undefined;
  /** Freshness lifetime of an entity, or how to tell it. */
  readonly ttl: Duration | ((entity: T) => Duration | undefined);
  /** Freshness lifetime of what `findAll` gives. @default `ttl`, if that is a duration */
  readonly listTtl?: Duration | undefined;
  /** Lifetime of "there is no such entity". @default '10s' */
  readonly negativeTtl?: Duration | undefined;
  /** Tags of entities, with `{id}` in the place of the id; lists carry them for each entity in them. @default none */
  readonly tags?: readonly string[] | undefined;
  /** The id of an entity. @default its `id` */
  readonly idOf?: ((entity: T) => Id | undefined) | undefined;
  /** The entities in what `findAll` gives, whole or as summaries that `idOf` can tell. @default the list itself, if it is one */
  readonly entitiesOf?: ((list: L) => readonly object[]) | undefined;
  /** Figures joined to entities by `withStatistics`, with a lifetime of their own. @default none */
  readonly statistics?: StatisticsOptions<Id, S> | undefined;
}

/** {@link CachedRepositoryOptions}, checked. */
export interface RepositoryConfig {
  readonly name: string;
  readonly findById: (id: EntityId) => unknown;
  readonly findMany: (ids: readonly EntityId[]) => unknown;
  readonly findAll: ((filter: unknown) => unknown) | undefined;
  readonly idOf: (entity: unknown) => unknown;
  readonly entitiesOf: (list: unknown) => unknown;
  readonly findStatistics: ((ids: readonly EntityId[]) => unknown) | undefined;
  readonly tags: readonly string[];
  readonly entity: RepositoryPolicy;
  readonly list: RepositoryPolicy;
  readonly statistics: RepositoryPolicy;
}

/** A policy without what depends on the single value. */
export type RepositoryPolicy = Omit<ValuePolicy, 'groups' | 'lateGroups' | 'force'>;

const KEYS = [
  'cache',
  'name',
  'findById',
  'findMany',
  'findAll',
  'ttl',
  'listTtl',
  'tags',
  'idOf',
  'entitiesOf',
  'statistics',
  ...VALUE_USE_KEYS,
];
const NAME = /^[\w-]{1,40}$/;
const OWNER = 'cachedRepository';

/** {@link CachedRepositoryOptions}, checked. @throws WarmpathError `ERR_OPTION`, `ERR_UNKNOWN_OPTION` */
export function resolveRepositoryOptions(options: CachedRepositoryOptions<unknown>): RepositoryConfig {
  checkKnownKeys(OWNER, options, KEYS);
  const { name, findById, findMany, findAll, ttl, negativeTtl = '10s', tags = [], statistics } = options;
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw optionError(`${OWNER}.name`, 'up to 40 letters, digits, _ and -', name);
  }
  const one = functionOption<RepositoryConfig['findById']>(`${OWNER}.findById`, findById);
  const use = resolveValueUse(OWNER, options);
  return Object.freeze({
    name,
    findById: one,
    findMany: given<RepositoryConfig['findMany']>('findMany', findMany) ?? ((ids) => eachById(ids, one)),
    findAll: given<(filter: unknown) => unknown>('findAll', findAll),
    idOf: given<RepositoryConfig['idOf']>('idOf', options.idOf) ?? ownId,
    entitiesOf: given<RepositoryConfig['entitiesOf']>('entitiesOf', options.entitiesOf) ?? itself,
    findStatistics: statistics && statisticsSource(statistics),
    tags: Object.freeze([...textList(`${OWNER}.tags`, tags)]),
    entity: { ...use, name, ttlMs: lifetimes(OWNER, ttl as Duration, negativeTtl) },
    list: { ...use, name: `${name}.list`, ttlMs: listLifetime(options) },
    statistics: {
      ...use,
      name: `${name}.statistics`,
      ttlMs: statistics ? lifetimes(`${OWNER}.statistics`, statistics.ttl, statistics.ttl) : () => undefined,
    },
  });
}

// biome-ignore lint/complexity/noBannedTypes: the caller names the exact signature
function given<F extends Function>(option: string, value: unknown): F | undefined {
  return value === undefined ? undefined : functionOption<F>(`${OWNER}.${option}`, value);
}

function statisticsSource(statistics: StatisticsOptions<EntityId, unknown>) {
  checkKnownKeys(`${OWNER}.statistics`, statistics, ['find', 'ttl']);
  return functionOption<(ids: readonly EntityId[]) => unknown>(`${OWNER}.statistics.find`, statistics.find);
}

function listLifetime({ findAll, ttl, listTtl }: CachedRepositoryOptions<unknown>): ValuePolicy['ttlMs'] {
  if (findAll === undefined) return () => undefined;
  if (listTtl !== undefined) return lifetimes(OWNER, listTtl, undefined);
  if (typeof ttl !== 'function') return lifetimes(OWNER, ttl, undefined);
  throw optionError(`${OWNER}.listTtl`, 'a duration, as `ttl` tells that of an entity only', listTtl);
}

async function eachById(
  ids: readonly EntityId[],
  findById: (id: EntityId) => unknown,
): Promise<ReadonlyMap<EntityId, unknown>> {
  const entities = await Promise.all(ids.map((id) => findById(id)));
  return new Map(ids.map((id, index) => [id, entities[index]]));
}

const ownId = (entity: unknown): unknown => (entity as { id?: unknown } | null | undefined)?.id;
const itself = (list: unknown): unknown => list;
