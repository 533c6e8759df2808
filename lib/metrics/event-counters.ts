import type { EventBus } from '../common/events.js';
import { Tally } from './tally.js';

/** The kinds of targets an invalidation can have. */
export const INVALIDATION_KINDS = ['tags', 'urls', 'keys', 'prefix', 'all'] as const;

/** What is counted from events, because it is rare and no hit pays for it: invalidations and failed store calls. */
export class EventCounters {
  readonly invalidations = new Tally(['kind']);
  readonly storeErrors = new Tally(['op'], 100);
  readonly #attached = new WeakSet<EventBus>();

  constructor() {
    for (const kind of INVALIDATION_KINDS) this.invalidations.add([kind], 0);
  }

  /** Listens to a bus; a second time does nothing. */
  attach(events: EventBus): void {
    if (this.#attached.has(events)) return;
    this.#attached.add(events);
    events.on('invalidation', ({ kind }) => this.invalidations.add([kind], 1));
    events.on('store-error', ({ op }) => this.storeErrors.add([op], 1));
  }
}
