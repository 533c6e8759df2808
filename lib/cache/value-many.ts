import type { Lookup } from '../store/entry-store.js';
import { isPromise, type Maybe, whenReady } from '../store/stored-entry.js';
import { type Turn, takeTurn } from './turn.js';
import { fillAndKeep, fillOnly, type ValueRequest } from './value-fill.js';
import type { ValueRefreshes } from './value-refresh.js';
import { consider, inTime, missed, orStandIn, type Visit, visitOf, wrapValue } from './value-wrap.js';
import { WorkLimit } from './work-limit.js';

const AT_ONCE = 16;
const KEYS_PER_READ = 250;

/** Makes the values of some of the keys, given by their places in the list; answers in the order of the places. */
export type FillMany = (places: readonly number[]) => Promise<readonly unknown[]>;

/**
 * The values of many different keys: one round trip for all of them, and one call of `fillMany` for all that are missing
 * and that nobody else is making. In the order of `requests`.
 */
export async function wrapMany(
  requests: readonly Omit<ValueRequest, 'fill'>[],
  fillMany: FillMany,
  refreshes: ValueRefreshes,
): Promise<readonly unknown[]> {
  const core = requests[0]?.core;
  if (core === undefined) return [];
  const gathered = new GatheredFill(fillMany);
  // One read fetches everything, but each key is leased and stored by itself: all at once they would look like an outage.
  const limit = core.guard === undefined ? undefined : new WorkLimit(AT_ONCE);
  const visits = requests.map((request, place) =>
    visitOf({ ...request, fill: () => gathered.of(place), limit }, refreshes),
  );
  if (!core.config.enabled || core.isClosed) return Promise.all(visits.map(fillOnly));

  const asked = lookAll(visits);
  const lookups = isPromise(asked) ? await asked : asked;
  const considered = allOf(visits.map((visit, place) => consider(visit, lookups[place] as Lookup, 0)));
  const found = isPromise(considered) ? await considered : considered;
  const turns = await Promise.all(
    visits.map((visit, place) => (found[place] === undefined ? turnNow(visit, lookups[place] as Lookup) : undefined)),
  );
  return Promise.all(
    visits.map((visit, place) => {
      const turn = turns[place];
      return turn === undefined ? found[place]?.value : fillPlace(visit, turn, refreshes);
    }),
  );
}

/** Looks all of them up: together, or where they are very many in a few parts, as one huge read holds up all others. */
function lookAll(visits: readonly Visit[]): Maybe<readonly Lookup[]> {
  const part = visits.slice(0, KEYS_PER_READ);
  const asked = allOf(part.map(({ core, key, groups }) => core.store.lookup(key, groups)));
  if (visits.length <= KEYS_PER_READ) return asked;
  return whenReady(asked, (lookups) =>
    whenReady(lookAll(visits.slice(KEYS_PER_READ)), (rest) => [...lookups, ...rest]),
  );
}

/** At once where all are there, so that in memory nothing comes in between. */
function allOf<T>(values: readonly Maybe<T>[]): Maybe<readonly T[]> {
  return values.some(isPromise) ? Promise.all(values) : (values as readonly T[]);
}

// Nobody waits here: a wait for one key would hold up the fills of the others.
function turnNow({ core, key, groups, limit }: Visit, lookup: Lookup): Maybe<Turn> {
  const { store, flights, config } = core;
  const request = { store, flights, key, groups, leaseMs: config.leaseMs, waitUntil: 0, onCollapsed: () => {} };
  return limit === undefined ? takeTurn(request, lookup) : limit.run(() => takeTurn(request, lookup));
}

function fillPlace(visit: Visit, turn: Turn, refreshes: ValueRefreshes): Promise<unknown> {
  if (turn.kind === 'fill') {
    missed(visit);
    return inTime(
      visit,
      orStandIn(visit, async () => (await fillAndKeep(visit, turn.right)).value),
    );
  }
  // Somebody else is making it, or was just done: now it is looked at, and waited for, alone.
  if (turn.kind === 'again' || turn.fence === undefined) return wrapValue(visit, refreshes);
  missed(visit);
  return inTime(
    visit,
    orStandIn(visit, () => fillOnly(visit)),
  );
}

/** Gathers what is asked for in one turn of the event loop into one call. */
class GatheredFill {
  readonly #fillMany: FillMany;
  #places: number[] = [];
  #values: Promise<ReadonlyMap<number, unknown>> | undefined;

  constructor(fillMany: FillMany) {
    this.#fillMany = fillMany;
  }

  async of(place: number): Promise<unknown> {
    this.#places.push(place);
    this.#values ??= new Promise((resolve, reject) => {
      setImmediate(() => this.#fill().then(resolve, reject));
    });
    return (await this.#values).get(place);
  }

  async #fill(): Promise<ReadonlyMap<number, unknown>> {
    const places = this.#places;
    this.#places = [];
    this.#values = undefined;
    const values = await this.#fillMany(places);
    return new Map(places.map((place, index) => [place, values[index]]));
  }
}
