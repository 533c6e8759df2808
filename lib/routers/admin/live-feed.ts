import type { RedisFigures } from '../../metrics/redis-figures.js';
import { type AdminInputs, adminView } from './admin-view.js';
import type { LiveSampler, Sample } from './live-sampler.js';

/** What a page that is open is told. */
export interface Update {
  readonly samples: readonly Sample[];
  readonly sections: Readonly<Record<string, string>>;
}

type Watcher = (update: Update) => void;

const IDLE_REDIS_MS = 10_000;

/** Takes a sample every few seconds, always, and renders the page's parts only while somebody looks, once for all. */
export class LiveFeed {
  readonly #inputs: AdminInputs;
  readonly #sampler: LiveSampler;
  readonly #watchers = new Set<Watcher>();
  #redisReadAt = Number.NEGATIVE_INFINITY;
  #rendered: { readonly at: number; readonly update: Promise<Record<string, string>> } | undefined;
  redis: RedisFigures | undefined;

  constructor(inputs: AdminInputs, sampler: LiveSampler) {
    this.#inputs = inputs;
    this.#sampler = sampler;
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** One step: a sample and, when somebody watches, an update. Never rejects. */
  async tick(): Promise<void> {
    if (this.#watchers.size > 0 || Date.now() - this.#redisReadAt >= IDLE_REDIS_MS) {
      this.#redisReadAt = Date.now();
      this.redis = await this.#inputs.readRedis().catch(() => undefined);
    }
    const sample = this.#sampler.take();
    if (this.#watchers.size === 0) return;
    const parts = await this.#render().catch(() => undefined);
    if (parts) for (const watcher of this.#watchers) watcher({ samples: [sample], sections: parts });
  }

  /** For a page that asks by itself: everything after `since`. */
  async update(since: number): Promise<Update> {
    const samples = this.#sampler.samples.filter(({ at }) => at > since);
    return { samples, sections: await this.#render() };
  }

  // Several pages asking in the same second share one rendering.
  #render(): Promise<Record<string, string>> {
    const now = Date.now();
    if (!this.#rendered || now - this.#rendered.at >= 1000) this.#rendered = { at: now, update: this.#renderNow() };
    return this.#rendered.update;
  }

  async #renderNow(): Promise<Record<string, string>> {
    // The page is loaded when somebody first looks at it.
    const { sections } = await import('./page/sections.js');
    const view = await adminView(this.#inputs);
    const parts = sections(view, this.#sampler.samples.at(-1));
    return Object.fromEntries(Object.entries(parts).map(([name, { text }]) => [name, text]));
  }
}
