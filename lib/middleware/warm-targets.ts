import { argumentKey } from '../cache/argument-key.js';
import type { CacheCore } from '../cache/cache-core.js';
import { optionError } from '../common/errors.js';
import { wholeNumber } from '../common/options.js';
import type { EntityId } from '../data/repository-options.js';
import { trafficRankingOf } from '../data/traffic-ranking.js';
import { dispatchInternally, type InternalAnswer, type RequestListener } from './internal-dispatch.js';

/** What of a repository can be warmed. */
export interface WarmableRepository {
  readonly name: string;
  findMany(ids: readonly EntityId[]): Promise<unknown>;
  findAll(filter: unknown): Promise<unknown>;
}

/** Something to be in the cache before it is asked for. */
export type WarmTarget =
  /** A path of the app, or a whole URL. */
  | string
  | { readonly url: string; readonly headers?: Readonly<Record<string, string>> }
  /** A function that reads through the cache. */
  | (() => unknown)
  /** A function, such as `cache.cached` makes, with each of these lists of arguments. */
  | { readonly call: (...args: never[]) => unknown; readonly with: readonly (readonly unknown[])[] }
  /** Entities and lists of a `cachedRepository`. */
  | {
      readonly repository: object;
      readonly ids?: readonly EntityId[] | undefined;
      readonly filters?: readonly unknown[] | undefined;
    }
  /** The URLs that were busiest in the last day. */
  | { readonly top: number };

/** What became of one target. `not-stored`: it was answered, and with nothing to keep. */
export type WarmOutcome = 'warmed' | 'not-stored' | 'failed';

/** One thing to do. */
export interface WarmJob {
  /** What it is, for people and to be found again. */
  readonly label: string;
  run(): Promise<WarmOutcome>;
}

/** What jobs are made with. */
export interface WarmContext {
  readonly app: RequestListener | undefined;
  readonly core: CacheCore | undefined;
  /** Scheme and host of targets that are only paths. */
  readonly origin: URL;
  readonly timeoutMs: number;
}

const IDS_AT_ONCE = 50;
const MAX_TOP = 10_000;

/** Throws `ERR_OPTION` for what is no target, before anything runs. */
export function checkTargets(targets: unknown, context: WarmContext): readonly WarmTarget[] {
  if (!Array.isArray(targets))
    throw optionError('warm.targets', 'a list of paths, functions and repositories', targets);
  for (const target of targets as readonly WarmTarget[]) checkTarget(target, context);
  return targets;
}

/** The jobs of a list of targets. */
export async function jobsOf(targets: readonly WarmTarget[], context: WarmContext): Promise<readonly WarmJob[]> {
  const jobs: WarmJob[] = [];
  for (const [place, target] of targets.entries()) jobs.push(...(await jobsOfOne(target, place, context)));
  // What is named twice, or is busy and named too, is done once.
  return [...new Map(jobs.map((job) => [job.label, job])).values()];
}

function checkTarget(target: unknown, { app, core }: WarmContext): void {
  const { url, call, with: lists, repository, top } = (target ?? {}) as Record<string, unknown>;
  const path = typeof target === 'string' ? target : url;
  if (typeof path === 'string') {
    if (!path.startsWith('/') && !(/^https?:/.test(path) && URL.canParse(path)))
      throw optionError('warm.targets', "paths such as '/movies?page=1'", path);
    if (app === undefined) throw optionError('warm.app', 'the app that answers the paths', app);
    return;
  }
  if (top !== undefined) {
    if (app === undefined || core === undefined) {
      throw optionError('warm.cache', 'the app, and the cache that knows what was busy', core);
    }
    if (wholeNumber('warm.targets.top', top, 1) > MAX_TOP)
      throw optionError('warm.targets.top', `at most ${MAX_TOP}`, top);
    return;
  }
  const isCall = typeof call === 'function' && Array.isArray(lists) && lists.every(Array.isArray);
  const isRepository = typeof (repository as { findMany?: unknown } | undefined)?.findMany === 'function';
  if (typeof target === 'function' || isCall || isRepository) return;
  throw optionError(
    'warm.targets',
    'paths, functions, { call, with }, { repository, ids, filters } or { top }',
    target,
  );
}

async function jobsOfOne(target: WarmTarget, place: number, context: WarmContext): Promise<readonly WarmJob[]> {
  if (typeof target === 'string') return [pathJob(target, {}, context)];
  // Functions may share a name, or have none.
  if (typeof target === 'function') return [callJob(`${target.name || 'function'} #${place}`, target)];
  if ('url' in target) return [pathJob(target.url, target.headers ?? {}, context)];
  if ('top' in target) return topJobs(target.top, context);
  if ('call' in target) {
    const call = target.call as (...args: readonly unknown[]) => unknown;
    const name = `${call.name || 'function'} #${place} `;
    return target.with.map((args, index) => callJob(labelOf(name, args, index), () => call(...args)));
  }
  return repositoryJobs(target.repository as WarmableRepository, target.ids ?? [], target.filters ?? []);
}

async function topJobs(count: number, context: WarmContext): Promise<readonly WarmJob[]> {
  const urls = context.core === undefined ? [] : await trafficRankingOf(context.core).top(count);
  return urls.map((url) => pathJob(url, {}, context));
}

function repositoryJobs(
  repository: WarmableRepository,
  ids: readonly EntityId[],
  filters: readonly unknown[],
): readonly WarmJob[] {
  const jobs = filters.map((filter, index) =>
    callJob(labelOf(`${repository.name}.list`, [filter], index), () => repository.findAll(filter)),
  );
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE) {
    const some = ids.slice(start, start + IDS_AT_ONCE);
    jobs.push(callJob(labelOf(repository.name, some, start), () => repository.findMany(some)));
  }
  return jobs;
}

function callJob(label: string, call: () => unknown): WarmJob {
  return {
    label,
    async run() {
      await call();
      return 'warmed';
    },
  };
}

function pathJob(target: string, headers: Readonly<Record<string, string>>, context: WarmContext): WarmJob {
  const { origin, timeoutMs } = context;
  const app = context.app as RequestListener;
  const place = target.startsWith('/') ? origin : new URL(target);
  const url = target.startsWith('/') ? target : place.pathname + place.search;
  const lowered = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  // The host is part of what a response is stored under, so it must be the one that clients use.
  const all = { host: place.host, accept: '*/*', 'user-agent': 'warmpath', ...Object.fromEntries(lowered) };
  const encrypted = place.protocol === 'https:';
  const label = Object.keys(headers).length === 0 ? target : `${target} ${JSON.stringify(headers)}`;
  return {
    label,
    run: async () => outcomeOf(await dispatchInternally(app, { url, headers: all, encrypted }, timeoutMs)),
  };
}

function outcomeOf({ status, headers }: InternalAnswer): WarmOutcome {
  if (status === undefined || status >= 500) return 'failed';
  return /;\s*(hit|stored)\b/.test(String(headers['cache-status'] ?? '')) ? 'warmed' : 'not-stored';
}

function labelOf(name: string, args: readonly unknown[], place: number): string {
  try {
    return argumentKey(name, args);
  } catch {
    // Arguments without a key still make a call.
    return `${name}(… ${place})`;
  }
}
