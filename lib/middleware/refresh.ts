import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Request } from 'express';
import { type CacheCore, inBackground } from '../cache/cache-core.js';
import { type CacheCounters, tally } from '../cache/cache-stats.js';
import type { ResourceLookup } from '../cache/resource-lookup.js';
import { type FillRight, takeTurn } from '../cache/turn.js';
import { entryName, isPromise } from '../store/stored-entry.js';
import { dispatchInternally } from './internal-dispatch.js';
import type { RequestView } from './request-view.js';
import { rootApp } from './root-app.js';

/** How a refresh ended. `stored` is the only good end; `gone` means that the handler no longer has such an answer. */
export type RefreshOutcome = 'stored' | 'failed' | 'not-stored' | 'skipped';

/** A refresh on its way through the app: the fill that carries its key takes it up. */
export interface RefreshTicket {
  readonly core: CacheCore;
  readonly text: string;
  readonly right: FillRight;
  readonly resource: ResourceLookup;
  taken: boolean;
  settle(outcome: string, status: number | undefined): void;
}

/** An entry that is stale, or soon will be, and is made anew in the background. `leaseMs`: how long it may hold its key. */
export interface RefreshJob {
  readonly core: CacheCore;
  readonly name: string;
  readonly counters: CacheCounters;
  readonly req: Request;
  readonly view: RequestView;
  readonly resource: ResourceLookup;
  readonly leaseMs: number;
}

const tickets = new WeakMap<IncomingMessage, RefreshTicket>();
const MAX_RUNNING = 32;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** The ticket of a request, if it is the refresh of this very key of this very cache. */
export function refreshTicket(req: IncomingMessage, core: CacheCore, text: string): RefreshTicket | undefined {
  const ticket = tickets.get(req);
  return ticket?.core === core && ticket.text === text && !ticket.taken ? ticket : undefined;
}

/** Refreshes in the background; nothing of it reaches the request that set it off. */
export function refreshInBackground(job: RefreshJob): void {
  if (!mayStart(job)) return;
  inBackground(job.core, refresh(job));
}

/** Runs the route again without a client and stores what it answers. One at a time per key over all instances. Never rejects. */
export async function refresh(job: RefreshJob): Promise<RefreshOutcome> {
  const { core, counters, name, resource, view } = job;
  const state = stateOf(core);
  const key = entryName(resource.key);
  state.running.add(key);
  try {
    const outcome = await attempt(job);
    if (outcome === 'failed') state.pause(view.text, core.store.now());
    else if (outcome !== 'skipped') state.pauses.delete(view.text);
    // The handler answered, and not with something to keep: what it said before no longer holds.
    if (outcome === 'not-stored') await core.store.remove([resource.key]);
    tally(counters.refreshes, outcome);
    core.events.emit({ type: 'refresh', cache: name, outcome });
    return outcome;
  } finally {
    state.running.delete(key);
  }
}

async function attempt(job: RefreshJob): Promise<RefreshOutcome> {
  const { core, req, view, resource, leaseMs } = job;
  const { store, flights } = core;
  const turn = takeTurn(
    { store, flights, key: resource.key, groups: view.groups, leaseMs, waitUntil: 0, onCollapsed: () => {} },
    resource.lookup,
  );
  const taken = isPromise(turn) ? await turn : turn;
  if (taken.kind !== 'fill') return 'skipped';
  const { right } = taken;
  let settle: (outcome: RefreshOutcome) => void = () => {};
  const settled = new Promise<RefreshOutcome>((resolve) => {
    settle = resolve;
  });
  const ticket: RefreshTicket = {
    core,
    text: view.text,
    right,
    resource,
    taken: false,
    settle: (outcome, status) => settle(judge(outcome, status)),
  };
  const answer = await dispatchInternally(rootApp(req), requestLike(req), leaseMs, (internal) =>
    tickets.set(internal, ticket),
  );
  if (!ticket.taken || answer.status === undefined) {
    right.end('failed');
    return 'failed';
  }
  return settled;
}

function judge(outcome: string, status: number | undefined): RefreshOutcome {
  if (outcome === 'stored') return 'stored';
  if (outcome === 'overtaken') return 'skipped';
  return status === undefined || status >= 500 ? 'failed' : 'not-stored';
}

// Every request that finds an entry stale, or soon stale, asks; while one is at it the others are to cost nothing.
function mayStart({ core, view, resource }: RefreshJob): boolean {
  const { running, pauses } = stateOf(core);
  if (core.isClosed || running.size >= MAX_RUNNING || running.has(entryName(resource.key))) return false;
  const pause = pauses.get(view.text);
  return pause === undefined || pause.until <= core.store.now();
}

function requestLike(req: Request) {
  const { socket } = req;
  return {
    url: req.originalUrl,
    headers: withoutConditions(req.headers),
    remoteAddress: socket.remoteAddress,
    encrypted: (socket as Partial<TLSSocket>).encrypted === true,
  };
}

function withoutConditions(headers: Request['headers']): Request['headers'] {
  const { range: _range, 'if-none-match': _tags, 'if-modified-since': _since, 'if-range': _ifRange, ...rest } = headers;
  return rest;
}

interface RefreshState {
  readonly running: Set<string>;
  readonly pauses: Map<string, { until: number; ms: number }>;
  pause(text: string, now: number): void;
}

const states = new WeakMap<CacheCore, RefreshState>();
const MAX_PAUSES = 1000;

function stateOf(core: CacheCore): RefreshState {
  const known = states.get(core);
  if (known !== undefined) return known;
  const pauses = new Map<string, { until: number; ms: number }>();
  const pause = (text: string, now: number): void => {
    const ms = Math.min(LONGEST_PAUSE_MS, (pauses.get(text)?.ms ?? FIRST_PAUSE_MS / 2) * 2);
    if (pauses.size >= MAX_PAUSES) pauses.clear();
    pauses.set(text, { until: now + ms, ms });
  };
  const state: RefreshState = { running: new Set(), pauses, pause };
  states.set(core, state);
  return state;
}
