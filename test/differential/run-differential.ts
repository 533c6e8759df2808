import type { Cache } from '../../lib/cache/cache.js';
import { responseCache } from '../../lib/middleware/response-cache.js';
import { buildApp, type ExpressModule, fixtureDirectory, userOf } from './app.js';
import { type Answer, type Served, serveApp } from './client.js';
import { difference } from './compare.js';
import { type Random, seededRandom } from './random.js';
import { type AnyRequest, randomRead, randomWrite } from './requests.js';
import { type RouteSpec, randomRoute } from './route-spec.js';

export interface DifferentialOptions {
  readonly seed: number;
  readonly requests: number;
  readonly express: ExpressModule;
  readonly cache: Cache;
}

export interface DifferentialResult {
  /** One text per answer that differs, with all it takes to look into it; at most ten. */
  readonly differences: readonly string[];
  readonly requests: number;
  readonly hits: number;
}

const ROUTES = 24;
const AT_ONCE = 12;
const MAX_DIFFERENCES = 10;

/** Sends random requests to a random app with and without the cache and compares the answers. */
export async function runDifferential({
  seed,
  requests,
  express,
  cache,
}: DifferentialOptions): Promise<DifferentialResult> {
  const random = seededRandom(seed);
  const routes = Array.from({ length: ROUTES }, (_, index) => randomRoute(random, index));
  const files = fixtureDirectory([...new Set(routes.map(({ bodyBytes }) => bodyBytes))]);
  const withCache = buildApp(express, routes, (spec) => responseCache(cache, cacheOptions(spec)), files.path);
  const plain = await serveApp(
    buildApp(express, routes, () => undefined, files.path),
    'the app without a cache',
  );
  const cached = await serveApp(withCache, 'the app with the cache');
  const comparison = new Comparison(plain, cached, routes);
  try {
    while (comparison.sent < requests && comparison.differences.length < MAX_DIFFERENCES)
      await comparison.round(random);
  } finally {
    plain.close();
    cached.close();
    files.remove();
  }
  return { differences: comparison.differences, requests: comparison.sent, hits: comparison.hits };
}

function cacheOptions({ cache, byIdentity }: RouteSpec) {
  return byIdentity ? { ...cache, identity: userOf } : cache;
}

class Comparison {
  readonly differences: string[] = [];
  sent = 0;
  hits = 0;
  readonly #known = new Map<string, { etag: string | undefined; lastModified: string | undefined }>();

  constructor(
    readonly plain: Served,
    readonly cached: Served,
    readonly routes: readonly RouteSpec[],
  ) {}

  /** Some reads at once, then perhaps a write: only between rounds does the truth change. */
  async round(random: Random): Promise<void> {
    const reads = Array.from({ length: 1 + random.below(AT_ONCE) }, () => randomRead(random, this.routes, this.#known));
    await Promise.all(reads.map((request) => this.#compare(request)));
    if (random.chance(0.2)) await this.#compare(randomWrite(random, this.routes));
  }

  async #compare(request: AnyRequest): Promise<void> {
    const { method, path, visiblePath, headers } = request;
    const cached = await this.cached.ask(method, path, headers);
    // A handler that fills sees only what the key covers; one that answers a single request sees it all.
    const fills = !/fwd=bypass|detail=(head|range)/.test(String(cached.headers['cache-status']));
    const plain = await this.plain.ask(method, fills ? visiblePath : path, headers);
    this.sent += 1;
    if (cached.headers['x-cache'] === 'hit') this.hits += 1;
    const { etag, 'last-modified': lastModified } = plain.headers;
    if (plain.status === 200) this.#known.set(visiblePath, { etag, lastModified });
    const wrong = difference(request, plain, cached);
    if (wrong !== undefined) this.differences.push(this.#describe(wrong, request, plain, cached));
  }

  #describe(wrong: string, request: AnyRequest, plain: Answer, cached: Answer): string {
    const spec = this.routes.find(({ name }) => request.path.startsWith(`/${name}/`));
    const shown = [
      `#${this.sent} ${wrong}`,
      request,
      spec,
      { plain: [plain.status, plain.headers], cached: [cached.status, cached.headers] },
    ];
    return shown.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join('\n  ');
  }
}
