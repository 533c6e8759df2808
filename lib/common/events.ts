/** What upper layers may learn from lower ones. Closed set; every text in it is bounded and carries no secret. */
export type WarmpathEvent =
  | { readonly type: 'store-error'; readonly op: string; readonly error: string }
  | { readonly type: 'corrupt-entry'; readonly reason: string }
  | { readonly type: 'redis-state'; readonly state: 'up' | 'down'; readonly reason: string }
  | {
      readonly type: 'invalidation';
      readonly kind: 'tags' | 'urls' | 'keys' | 'prefix' | 'all';
      readonly soft: boolean;
      readonly targets: readonly string[];
      readonly acknowledged: 'redis' | 'memory' | 'pending';
    }
  | { readonly type: 'fill'; readonly cache: string; readonly durationMs: number; readonly stored: boolean }
  | { readonly type: 'not-stored'; readonly cache: string; readonly reason: string }
  | { readonly type: 'collapsed'; readonly cache: string }
  | {
      readonly type: 'refresh';
      readonly cache: string;
      readonly outcome: 'stored' | 'not-stored' | 'failed' | 'skipped';
    }
  | { readonly type: 'finding'; readonly cache: string; readonly input: string; readonly settledBy: string }
  | {
      readonly type: 'quota';
      readonly limiter: string;
      readonly tier: string;
      readonly result: 'allowed' | 'limited' | 'shadow' | 'local' | 'error';
    }
  | {
      readonly type: 'write-behind';
      readonly queue: string;
      readonly outcome: 'flushed' | 'retried' | 'poisoned';
      readonly items: number;
    };

/** The names of the events that an {@link EventBus} carries. */
export type EventType = WarmpathEvent['type'];
type EventOf<T extends EventType> = Extract<WarmpathEvent, { type: T }>;
type Listener = (event: WarmpathEvent) => void;

/** A typed, synchronous event bus. A listener that throws harms nobody: its error is swallowed, as it must not reach a request. */
export class EventBus {
  readonly #listeners = new Map<EventType, Set<Listener>>();

  /** Calls `listener` for every event of `type`; returns the way to stop. */
  on<T extends EventType>(type: T, listener: (event: EventOf<T>) => void): () => void {
    const set = this.#listeners.get(type) ?? new Set<Listener>();
    this.#listeners.set(type, set);
    set.add(listener as Listener);
    return () => set.delete(listener as Listener);
  }

  emit(event: WarmpathEvent): void {
    const set = this.#listeners.get(event.type);
    if (!set) return;
    for (const listener of set) {
      try {
        listener(event);
      } catch {
        // A broken observer must not break what it observes.
      }
    }
  }
}
