import { totalOf } from '../../metrics/redis-figures.js';
import { type AdminInputs, type ShownEntry, shownEntry, shownTag } from './admin-view.js';
import { humanBytes } from './format.js';
import { ratioOf } from './hit-ratio.js';
import { BadRequest } from './read-json.js';
import { readText } from './target.js';

type Query = Readonly<Record<string, unknown>>;

const MAX_LIMIT = 1000;

/** `GET cache/stats` */
export async function statsAnswer({ source, guard, readRedis }: AdminInputs) {
  const figures = source.stats();
  const redis = await readRedis();
  const figure = (pick: Parameters<typeof totalOf>[1], without: number) =>
    guard ? (totalOf(redis, pick) ?? null) : without;
  const used = figure(({ usedMemory }) => usedMemory, figures.bytes);
  return {
    cache_enabled: figures.enabled,
    status: guard ? (guard.state === 'up' ? 'connected' : 'disconnected') : 'memory',
    stats: {
      // Without Redis these are this process's own; null while Redis does not answer.
      connected_clients: figure(({ connectedClients }) => connectedClients, 0),
      used_memory: used,
      used_memory_human: used === null ? null : humanBytes(used),
      keyspace_hits: figure(({ keyspaceHits }) => keyspaceHits, figures.hits + figures.stale),
      keyspace_misses: figure(({ keyspaceMisses }) => keyspaceMisses, figures.misses),
      total_commands_processed: figure(({ commandsProcessed }) => commandsProcessed, 0),
      hit_ratio: figures.ratio,
      hits: figures.hits,
      stale: figures.stale,
      misses: figures.misses,
      bypasses: figures.bypasses,
      entries: figures.entries,
      bytes: figures.bytes,
      routes: routeFigures(figures.caches),
    },
  };
}

function routeFigures(caches: ReturnType<AdminInputs['source']['stats']>['caches']) {
  const routes = Object.entries(caches).map(([name, one]) => {
    const { hits, stale, misses, bypasses, fills, collapsed, memoryHits, redisHits, notStored, refreshes } = one;
    const counts = { hits, stale, misses, bypasses, fills, collapsed, memory_hits: memoryHits, redis_hits: redisHits };
    return [name, { hit_ratio: ratioOf(one), ...counts, not_stored: notStored, refreshes }];
  });
  return Object.fromEntries(routes);
}

/** `GET cache/keys?prefix=&limit=&cursor=` */
export async function keysAnswer(inputs: AdminInputs, query: Query) {
  const prefix = optionalText('prefix', query.prefix);
  const cursor = optionalText('cursor', query.cursor);
  const page = await inputs.source.listEntries({
    limit: limitOf(query.limit),
    ...(prefix !== undefined && { prefix }),
    ...(cursor !== undefined && { cursor }),
  });
  return { keys: page.entries.map((entry) => entryAnswer(shownEntry(entry, inputs))), cursor: page.cursor ?? null };
}

/** `GET cache/tags` */
export function tagsAnswer(inputs: AdminInputs, query: Query) {
  const tags = inputs.source.topTags(limitOf(query.limit)).map((tag) => shownTag(tag, inputs));
  return { tags: tags.map(({ tag, hits }) => ({ tag, hits })) };
}

/** `GET cache/low-hit?below=0.5`: routes and entries under a hit ratio, worst first. */
export async function lowHitAnswer(inputs: AdminInputs, query: Query) {
  const below = query.below === undefined ? 0.5 : Number(query.below);
  if (!(below >= 0 && below <= 1)) throw new BadRequest('below must be a number from 0 to 1');
  const limit = limitOf(query.limit);
  const routes = Object.entries(inputs.source.stats().caches)
    .map(([name, one]) => ({ route: name, hit_ratio: ratioOf(one), requests: one.hits + one.stale + one.misses }))
    .filter(({ hit_ratio, requests }) => requests > 0 && hit_ratio < below)
    .sort((a, b) => a.hit_ratio - b.hit_ratio || b.requests - a.requests);
  const { entries } = await inputs.source.listEntries({ limit: MAX_LIMIT });
  const hits = new Map((await inputs.source.topKeys(MAX_LIMIT)).map((entry) => [entry.label, entry.hits]));
  const low = entries
    .map((entry) => ({ ...entry, hits: entry.hits ?? hits.get(entry.label) ?? 0 }))
    .map((entry) => ({ ...entryAnswer(shownEntry(entry, inputs)), hit_ratio: entryRatio(entry.hits) }))
    .filter(({ hit_ratio }) => hit_ratio < below)
    .sort((a, b) => a.hit_ratio - b.hit_ratio);
  return { below, routes: routes.slice(0, limit), entries: low.slice(0, limit) };
}

// Each entry has cost one fill at least.
const entryRatio = (hits: number): number => hits / (hits + 1);

function entryAnswer({ id, key, tags, ageMs, ttlMs, bytes, hits }: ShownEntry) {
  const seconds = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms / 100) / 10);
  return {
    id,
    key,
    tags,
    age_seconds: seconds(ageMs),
    ttl_seconds: seconds(ttlMs),
    bytes: bytes ?? null,
    hits: hits ?? null,
  };
}

function limitOf(value: unknown): number {
  if (value === undefined) return 100;
  const limit = typeof value === 'string' && /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new BadRequest(`limit must be a whole number from 1 to ${MAX_LIMIT}`);
}

function optionalText(name: string, value: unknown): string | undefined {
  return value === undefined || value === '' ? undefined : readText(name, value);
}
