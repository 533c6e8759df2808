import type { MetricSources } from '../../metrics/metric-sources.js';
import type { RedisFigures } from '../../metrics/redis-figures.js';
import { requestDurations } from '../../metrics/request-durations.js';
import type { RedisGuard } from '../../redis/guard.js';
import type { Authorize } from './admin-access.js';
import type { Admin } from './admin-handler.js';
import type { AdminSource } from './admin-source.js';
import type { AdminInputs } from './admin-view.js';
import { EntryIds } from './entry-ids.js';
import { LiveFeed } from './live-feed.js';
import { LiveSampler } from './live-sampler.js';
import { RecentEvents } from './recent.js';

/** What an admin page is built from, resolved. */
export interface AdminParts {
  readonly source: AdminSource;
  readonly guard: RedisGuard | undefined;
  readonly sources: MetricSources;
  readonly readRedis: () => Promise<RedisFigures | undefined>;
  readonly authorize: Authorize;
  readonly readOnly: boolean;
  readonly shownQuery: readonly string[];
}

const SAMPLE_EVERY_MS = 2000;

/** Puts the parts together and starts to sample, so that the charts have a past when the page is opened. */
export function createAdmin({ authorize, shownQuery, ...parts }: AdminParts): Admin {
  const inputs: AdminInputs = {
    ...parts,
    shownQuery: new Set(shownQuery.map((name) => name.toLowerCase())),
    recent: new RecentEvents(parts.source.events),
    ids: new EntryIds(),
  };
  const sampler = new LiveSampler({ sources: parts.sources, requests: requestDurations, redis: () => feed.redis });
  const feed: LiveFeed = new LiveFeed(inputs, sampler);
  tickWhileAlive(feed);
  return { inputs, authorize, feed, sampler };
}

// Held weakly: a router nobody mounts any more stops by itself, and the timer keeps no process alive.
function tickWhileAlive(feed: LiveFeed): void {
  const ref = new WeakRef(feed);
  const timer = setInterval(() => {
    const alive = ref.deref();
    if (alive) void alive.tick();
    else clearInterval(timer);
  }, SAMPLE_EVERY_MS);
  timer.unref();
}
