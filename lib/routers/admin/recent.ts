import type { EventBus } from '../../common/events.js';

/** An invalidation, as the page lists it. Targets are redacted when shown. */
export interface RecentInvalidation {
  readonly at: number;
  readonly kind: string;
  readonly soft: boolean;
  readonly targets: readonly string[];
  readonly acknowledged: string;
}

/** A decision with its reason, as the page lists it. */
export interface RecentDecision {
  readonly at: number;
  readonly what: string;
  readonly where: string;
  readonly reason: string;
  /** How often in a row. */
  times: number;
}

const MAX_INVALIDATIONS = 30;
const MAX_DECISIONS = 60;
const MAX_TARGETS = 5;

/** What happened lately, in rings of fixed size. Hits make no events, so none of this is on their path. */
export class RecentEvents {
  readonly invalidations: RecentInvalidation[] = [];
  readonly decisions: RecentDecision[] = [];

  constructor(events: EventBus) {
    events.on('invalidation', ({ kind, soft, targets, acknowledged }) => {
      push(this.invalidations, MAX_INVALIDATIONS, {
        at: Date.now(),
        kind,
        soft,
        targets: targets.slice(0, MAX_TARGETS),
        acknowledged,
      });
    });
    events.on('not-stored', ({ cache, reason }) => this.#decided('not stored', cache, reason));
    events.on('finding', ({ cache, input, settledBy }) =>
      this.#decided('input found', cache, `${input}: ${settledBy}`),
    );
    events.on('refresh', ({ cache, outcome }) => {
      if (outcome !== 'stored') this.#decided('refresh', cache, outcome);
    });
    events.on('corrupt-entry', ({ reason }) => this.#decided('entry dropped', '', reason));
    events.on('store-error', ({ op, error }) => this.#decided('store error', op, error));
    events.on('redis-state', ({ state, reason }) => this.#decided('redis', state, reason));
  }

  // The same again is counted, not listed again: one busy route must not push everything else out.
  #decided(what: string, where: string, reason: string): void {
    const same = this.decisions.find((one) => one.what === what && one.where === where && one.reason === reason);
    const times = (same?.times ?? 0) + 1;
    if (same) this.decisions.splice(this.decisions.indexOf(same), 1);
    push(this.decisions, MAX_DECISIONS, { at: Date.now(), what, where, reason, times });
  }
}

function push<T>(list: T[], max: number, item: T): void {
  list.unshift(item);
  if (list.length > max) list.pop();
}
