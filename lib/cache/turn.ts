import type { EntryStore, Fence, Lease, LeaseAnswer, Lookup } from '../store/entry-store.js';
import { type EntryKey, isPromise, type Maybe } from '../store/stored-entry.js';
import type { Flight, FlightOutcome, Flights } from './flights.js';

/** The right and duty to fill a key. `end` must be called when the fill is over; calling it again does nothing. */
export interface FillRight {
  readonly fence: Fence;
  readonly lease: Lease | undefined;
  /** `uncacheableMs`: how long nobody should queue for this key. */
  end(outcome: FlightOutcome, uncacheableMs?: number): void;
}

/** What a request that found nothing usable is to do. */
export type Turn =
  /** Somebody else's fill ended, or the entry changed: look again. `inVain`: that fill was lost to an invalidation. */
  | { readonly kind: 'again'; readonly inVain: boolean }
  /** Run the handler and store what it makes. */
  | { readonly kind: 'fill'; readonly right: FillRight }
  /** Run the handler for this request alone; with a fence it may be stored all the same. */
  | { readonly kind: 'run'; readonly fence: Fence | undefined };

/** One request's wish to run the handler of a key. Durations in milliseconds. */
export interface TurnRequest {
  readonly store: EntryStore;
  readonly flights: Flights;
  readonly key: EntryKey;
  readonly groups: readonly string[];
  readonly leaseMs: number;
  /** Instant on the store's line of time after which this request waits no more. */
  readonly waitUntil: number;
  readonly onCollapsed: () => void;
}

const AGAIN: Turn = Object.freeze({ kind: 'again', inVain: false });
const AGAIN_IN_VAIN: Turn = Object.freeze({ kind: 'again', inVain: true });
const RUN_ALONE: Turn = Object.freeze({ kind: 'run', fence: undefined });

/** Decides who fills: one request in this process, and one process among all. Synchronous in memory when nobody else is at it. */
export function takeTurn(request: TurnRequest, lookup: Lookup): Maybe<Turn> {
  const name = flightName(request.key);
  const other = request.flights.of(name);
  if (other !== undefined) return follow(request, other);
  const flight = request.flights.begin(name);
  const answer = request.store.acquire(request.key, lookup.fence, request.groups, request.leaseMs);
  return isPromise(answer) ? leadWhenAnswered(request, flight, answer) : settleAnswer(request, flight, answer);
}

async function leadWhenAnswered(request: TurnRequest, flight: Flight, asked: Promise<LeaseAnswer>): Promise<Turn> {
  try {
    return await settleAnswer(request, flight, await asked);
  } catch (error) {
    // Stores do not reject; if one does all the same, nobody may wait for it for ever.
    request.flights.end(flightName(request.key), flight, 'failed');
    throw error;
  }
}

function settleAnswer(request: TurnRequest, flight: Flight, answer: LeaseAnswer): Maybe<Turn> {
  const name = flightName(request.key);
  const end = (outcome: FlightOutcome): void => request.flights.end(name, flight, outcome);
  if (answer.kind === 'held') return { kind: 'fill', right: rightOf(end, answer.fence, answer.lease) };
  if (answer.kind === 'changed') {
    end('failed');
    return AGAIN;
  }
  if (answer.kind === 'open') {
    end('uncacheable');
    return { kind: 'run', fence: answer.fence };
  }
  const left = request.waitUntil - request.store.now();
  if (left <= 0) {
    end('failed');
    return RUN_ALONE;
  }
  request.onCollapsed();
  return answer.settled(left).then(() => {
    end('failed');
    return AGAIN;
  });
}

async function follow(request: TurnRequest, flight: Flight): Promise<Turn> {
  request.onCollapsed();
  const outcome = await flight.wait(request.waitUntil - request.store.now());
  if (outcome === 'timeout' || outcome === 'uncacheable') return RUN_ALONE;
  return outcome === 'overtaken' ? AGAIN_IN_VAIN : AGAIN;
}

function rightOf(end: (outcome: FlightOutcome) => void, fence: Fence, lease: Lease): FillRight {
  return {
    fence,
    lease,
    end(outcome, uncacheableMs) {
      lease.release(outcome === 'uncacheable' ? uncacheableMs : undefined);
      end(outcome);
    },
  };
}

// Only for finding who fills what: an answer is always looked up under its own key afterwards.
function flightName(key: EntryKey): string {
  return key.variant === '' ? key.text : `${key.text.length}:${key.text}${key.variant}`;
}
