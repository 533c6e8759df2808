import { argumentKey } from '../cache/argument-key.js';
import type { Cache } from '../cache/cache.js';
import { type DataCache, dataCacheOf } from '../cache/data-cache.js';
import { entityTag } from '../cache/entity-tag.js';
import { tagGroup } from '../cache/group-names.js';
import type { ValuePolicy } from '../cache/value-options.js';
import { WarmpathError } from '../common/errors.js';
import {
  type CachedRepositoryOptions,
  type EntityId,
  type RepositoryConfig,
  type RepositoryPolicy,
  resolveRepositoryOptions,
} from './repository-options.js';

/** A repository whose answers are kept. */
export interface CachedRepository<T, Id extends EntityId, F, L, S> {
  /** What begins its keys. */
  readonly name: string;
  /** The entity, or `undefined` when there is none. */
  findById(id: Id): Promise<T | undefined>;
  /** The entities in the order of the ids: one round trip to the cache, one query for all that are missing. */
  findMany(ids: readonly Id[]): Promise<(T | undefined)[]>;
  /** What `findAll` of the options gives; filters that mean the same share it, whatever the order of their properties. */
  findAll(filter: F): Promise<L>;
  /** The entities with their figures, which have a lifetime of their own. */
  withStatistics<E extends T | { readonly id: Id }>(
    entities: readonly E[],
  ): Promise<(E & { statistics: S | undefined })[]>;
  /** Finds these anew, whatever is kept. */
  refresh(...ids: readonly Id[]): Promise<void>;
  /** The entities, their figures and every list they are in are unusable, everywhere, from the moment this resolves. */
  invalidate(...ids: readonly Id[]): Promise<void>;
  /** What `findAll` gave is unusable: for entities that are new, or belong to other lists now. */
  invalidateLists(): Promise<void>;
  /** The figures of these are unusable. */
  invalidateStatistics(...ids: readonly Id[]): Promise<void>;
}

/** Up to so many entities in a list each end it by their own tag; longer lists are ended by any invalidation of the repository. */
const MAX_TAGGED = 100;

/** Keeps what a repository finds. Throws `ERR_OPTION` for bad options. */
export function cachedRepository<T, Id extends EntityId = EntityId, F = void, L = readonly T[], S = never>(
  options: CachedRepositoryOptions<T, Id, F, L, S>,
): CachedRepository<T, Id, F, L, S>;
export function cachedRepository<T, Id extends EntityId = EntityId, F = void, L = readonly T[], S = never>(
  cache: Cache,
  options: Omit<CachedRepositoryOptions<T, Id, F, L, S>, 'cache'>,
): CachedRepository<T, Id, F, L, S>;
export function cachedRepository(first: object, second?: object): unknown {
  const options = (second === undefined ? first : { cache: first, ...second }) as CachedRepositoryOptions<unknown>;
  const config = resolveRepositoryOptions(options);
  return new Repository(options.cache, config);
}

class Repository {
  readonly name: string;
  readonly #cache: Cache;
  readonly #data: DataCache;
  readonly #config: RepositoryConfig;
  readonly #listsTag: string;
  readonly #anyTag: string;

  constructor(cache: Cache, config: RepositoryConfig) {
    this.name = config.name;
    this.#cache = cache;
    this.#data = dataCacheOf(cache);
    this.#config = config;
    this.#listsTag = `@@${config.name}:lists`;
    this.#anyTag = `@@${config.name}:any`;
  }

  async findById(id: EntityId): Promise<unknown> {
    return this.#findOne(id, false);
  }

  async findMany(ids: readonly EntityId[]): Promise<unknown[]> {
    const { entity, findMany } = this.#config;
    const wanted = (id: EntityId) => this.#wanted(entity, id, this.#entityTags(id));
    return this.#many(ids, wanted, async (missing) => this.#byId(await findMany(missing), missing));
  }

  async findAll(filter: unknown): Promise<unknown> {
    const { findAll, list } = this.#config;
    if (findAll === undefined) throw new WarmpathError('ERR_OPTION', `${this.name}: cachedRepository has no findAll`);
    const policy: ValuePolicy = {
      ...list,
      groups: [this.#listsTag, ...this.#commonTags()].map(tagGroup),
      lateGroups: (found) => this.#tagsOfList(found).map(tagGroup),
      force: false,
    };
    return this.#data.wrap(argumentKey(list.name, [filter]), () => findAll(filter), policy);
  }

  async withStatistics(entities: readonly object[]): Promise<unknown[]> {
    const { findStatistics, statistics, idOf } = this.#config;
    if (findStatistics === undefined) {
      throw new WarmpathError('ERR_OPTION', `${this.name}: cachedRepository has no statistics`);
    }
    const ids = entities.map((entity) => idOf(entity) as EntityId);
    const wanted = (id: EntityId) => this.#wanted(statistics, id, [this.#statisticsTag(id), entityTag(this.name, id)]);
    const figures = await this.#many(ids, wanted, async (missing) => byText(await findStatistics(missing)));
    return entities.map((entity, index) => ({ ...entity, statistics: figures[index] }));
  }

  async refresh(...ids: readonly EntityId[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#findOne(id, true)));
  }

  async invalidate(...ids: readonly EntityId[]): Promise<void> {
    if (ids.length === 0) return;
    await this.#cache.invalidate({ tags: [this.#anyTag, ...ids.flatMap((id) => this.#ownTags(id))] });
  }

  async invalidateLists(): Promise<void> {
    await this.#cache.invalidate({ tags: [this.#listsTag] });
  }

  async invalidateStatistics(...ids: readonly EntityId[]): Promise<void> {
    if (ids.length > 0) await this.#cache.invalidate({ tags: ids.map((id) => this.#statisticsTag(id)) });
  }

  async #findOne(id: EntityId, force: boolean): Promise<unknown> {
    const { entity, findById } = this.#config;
    const { key, policy } = this.#wanted(entity, id, this.#entityTags(id));
    return this.#data.wrap(key, async () => (await findById(id)) ?? undefined, { ...policy, force });
  }

  /** Values by id: each key once, however often its id is given, and back in the order of the ids. */
  async #many(
    ids: readonly EntityId[],
    wanted: (id: EntityId) => { readonly key: string; readonly policy: ValuePolicy },
    find: (missing: readonly EntityId[]) => Promise<ReadonlyMap<string, unknown>>,
  ): Promise<unknown[]> {
    const distinct = new Map(ids.map((id) => [idText(this.name, id), id]));
    const list = [...distinct.values()];
    const values = await this.#data.wrapMany(list.map(wanted), async (places) => {
      const missing = places.map((place) => list[place] as EntityId);
      const found = await find(missing);
      return missing.map((id) => found.get(String(id)) ?? undefined);
    });
    const places = new Map([...distinct.keys()].map((text, place) => [text, place]));
    return ids.map((id) => values[places.get(String(id)) as number]);
  }

  #wanted(policy: RepositoryPolicy, id: EntityId, tags: readonly string[]) {
    const key = argumentKey(policy.name, [idText(this.name, id)]);
    return { key, policy: { ...policy, groups: tags.map(tagGroup), lateGroups: undefined, force: false } };
  }

  #byId(found: unknown, missing: readonly EntityId[]): ReadonlyMap<string, unknown> {
    if (found instanceof Map) return byText(found);
    if (!Array.isArray(found)) {
      throw new WarmpathError('ERR_VALUE', `${this.name}: findMany must give an array or a Map of entities by id`);
    }
    const { idOf } = this.#config;
    const entities = found.filter((entity) => entity !== null && entity !== undefined);
    const named = new Map(entities.map((entity) => [String(idOf(entity)), entity]));
    if (entities.length > 0 && !missing.some((id) => named.has(String(id)))) {
      throw new WarmpathError(
        'ERR_VALUE',
        `${this.name}: none of the entities of findMany has an id that was asked for; say with \`idOf\` where it is`,
      );
    }
    return named;
  }

  #entityTags(id: EntityId): readonly string[] {
    return [...this.#commonTags(), ...this.#ownTags(id)];
  }

  /** The tags of this entity and no other. */
  #ownTags(id: EntityId): readonly string[] {
    const text = idText(this.name, id);
    const own = this.#config.tags.filter((tag) => tag.includes('{id}'));
    return [entityTag(this.name, text), ...own.map((tag) => tag.replaceAll('{id}', text))];
  }

  #statisticsTag(id: EntityId): string {
    return entityTag(`${this.name}-statistics`, idText(this.name, id));
  }

  #commonTags(): readonly string[] {
    return this.#config.tags.filter((tag) => !tag.includes('{id}'));
  }

  #tagsOfList(list: unknown): readonly string[] {
    const entities = this.#config.entitiesOf(list);
    if (!Array.isArray(entities)) return [this.#anyTag];
    const ids = entities.map((entity) => this.#config.idOf(entity));
    if (ids.length > MAX_TAGGED || !ids.every(isEntityId)) return [this.#anyTag];
    return ids.flatMap((id) => this.#ownTags(id));
  }
}

function byText(map: unknown): ReadonlyMap<string, unknown> {
  if (map instanceof Map) return new Map([...map].map(([id, value]) => [String(id), value]));
  throw new WarmpathError('ERR_VALUE', 'statistics.find must give a Map of figures by id');
}

function isEntityId(id: unknown): id is EntityId {
  if (typeof id === 'string') return id !== '' && id.length <= 400;
  return typeof id === 'bigint' || (typeof id === 'number' && Number.isFinite(id));
}

function idText(name: string, id: unknown): string {
  if (isEntityId(id)) return String(id);
  throw new WarmpathError('ERR_KEY', `${name}: an id is a number, or a text of 1 to 400 characters`);
}
