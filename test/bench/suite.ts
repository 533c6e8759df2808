// What is measured: every variant with the requests it gets, in the order of a round (what is compared stands close together).
import type { Contender } from './harness/compare.js';
import type { PlannedRequest } from './harness/messages.js';

const URLS = 100;

function movies(extra: Omit<PlannedRequest, 'path'> = {}): PlannedRequest[] {
  return Array.from({ length: URLS }, (_, id) => ({ path: `/movies/${id}`, ...extra }));
}

const GZIP = { headers: { 'Accept-Encoding': 'gzip, deflate, br' } };

/** Names of recorded hits, each with the body size and what the client accepts. */
export const recordings = {
  '1 KB': { bytes: 1024, request: {} },
  '20 KB': { bytes: 20 * 1024, request: {} },
  '20 KB gzip': { bytes: 20 * 1024, request: GZIP },
} as const;
export type Recording = keyof typeof recordings;

/** A contender, the recorded hit that baselines answer with, and whether its answers come from a cache. */
export interface Entrant extends Contender {
  readonly recording: Recording;
  readonly isHit?: boolean;
  /** A program without which it is left out. */
  readonly needs?: string;
}

function entrant(file: string, variant: string, more: Partial<Entrant> = {}): Entrant {
  const recording = more.recording ?? '1 KB';
  const suffix = recording === '1 KB' ? '' : `, ${recording}`;
  return {
    name: `${variant}${suffix}`,
    variant,
    module: `variants/${file}`,
    requests: movies(recordings[recording].request),
    ...more,
    recording,
  };
}

const peers = ['apicache', 'express-expeditious', 'route-cache', 'keyv', 'cacheable', 'bentocache'];
export const redisPeers = peers.filter((name) => name !== 'cacheable').map((name) => `${name} on Redis`);
export { peers };

const hit = { isHit: true };
const fresh = { requests: [{ path: '/movies/n{n}' }] };

/**
 * All entrants in groups that are measured one after the other: what is compared stands in one, and few processes at a time
 * keep their place in the caches of the processor. `etags` are the validators of the recorded hits.
 */
export function groups(etags: Readonly<Record<Recording, string>> | undefined): readonly (readonly Entrant[])[] {
  const conditional = (recording: Recording): Partial<Entrant> => ({
    requests: movies({ headers: { 'If-None-Match': etags?.[recording] ?? '' } }),
    statuses: [304],
    warmRequests: movies(),
    recording,
  });
  const bare = entrant('baselines', 'express route');
  const memoryHit = entrant('ours', 'memory hit', hit);
  const memoryHit20 = entrant('ours', 'memory hit', { ...hit, recording: '20 KB' });
  return [
    [
      bare,
      memoryHit,
      entrant('ours', 'memory hit, no request metrics', hit),
      entrant('ours', 'memory hit on a route, with tags', hit),
      entrant('ours', 'near-cache hit', hit),
      entrant('ours', 'memory hit', { ...hit, ...conditional('1 KB'), name: '304' }),
      entrant('baselines', 'express route, again'),
      entrant('baselines', 'minimal cache'),
      entrant('baselines', 'raw http'),
      entrant('baselines', 'raw http, 304', { statuses: [304] }),
    ],
    [bare, memoryHit, ...peers.map((name) => entrant('peers', name, hit))],
    [
      bare,
      entrant('baselines', 'raw http'),
      entrant('ours', 'fast lane hit', hit),
      entrant('baselines', 'varnish', { ...hit, needs: 'varnishd' }),
      entrant('baselines', 'raw http', { recording: '20 KB' }),
      entrant('ours', 'fast lane hit', { ...hit, recording: '20 KB' }),
    ],
    [
      bare,
      entrant('baselines', 'express route', { recording: '20 KB' }),
      memoryHit20,
      entrant('ours', 'memory hit', { ...hit, ...conditional('20 KB'), name: '304, 20 KB' }),
      entrant('baselines', 'express + compression', { recording: '20 KB gzip' }),
      entrant('baselines', 'express route', { recording: '20 KB gzip' }),
      entrant('ours', 'memory hit', { ...hit, recording: '20 KB gzip' }),
    ],
    [bare, memoryHit20, ...peers.map((name) => entrant('peers', name, { ...hit, recording: '20 KB' }))],
    [
      bare,
      entrant('peers', 'hand-written Redis'),
      entrant('ours', 'Redis hit', hit),
      entrant('peers', 'hand-written Redis, again'),
      ...redisPeers.map((name) => entrant('peers', name, hit)),
    ],
    [
      bare,
      entrant('baselines', 'express origin'),
      entrant('ours', 'skipped'),
      entrant('ours', 'uncacheable'),
      entrant('ours', 'express origin through createServer'),
      entrant('baselines', 'express origin, 1 ms', fresh),
      entrant('ours', 'miss, 1 ms handler', fresh),
      entrant('baselines', 'express origin, 1 ms, again', fresh),
    ],
    [
      bare,
      entrant('limiters', 'express-rate-limit'),
      entrant('ours', 'our limiter'),
      entrant('limiters', 'express-rate-limit on Redis'),
      entrant('ours', 'our limiter on Redis'),
      entrant('ours', 'our limiter on Redis, over the limit', { statuses: [200, 429] }),
      entrant('limiters', 'bare refusal', { statuses: [429] }),
      entrant('ours', 'limited fast lane on Redis', hit),
      entrant('ours', 'limited fast lane on Redis, over the limit', { statuses: [200, 429] }),
    ],
  ];
}
