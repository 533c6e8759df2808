import { MAX_LABEL_VALUES } from './metric-catalog.js';

/** One sample of a metric. The shape prom-client uses, so that our collectors live in its registries. */
export interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  /** The sample's own name, where it differs from the family's: `…_bucket`, `…_sum`, `…_count`. */
  readonly metricName?: string;
  readonly exemplar?:
    | {
        readonly labelSet: Readonly<Record<string, string | number>>;
        readonly value: number;
        readonly timestamp: number;
      }
    | undefined;
}

/** Adds up numbers by label values. Sets of values beyond the limit are added up under `other`. */
export class Tally {
  readonly #names: readonly string[];
  readonly #limit: number;
  readonly #rows = new Map<string, { labels: Record<string, string>; value: number }>();

  constructor(labelNames: readonly string[], limit = MAX_LABEL_VALUES) {
    this.#names = labelNames;
    this.#limit = limit;
  }

  add(labelValues: readonly string[], value: number): this {
    // JSON keeps ["a","b:c"] and ["a:b","c"] apart.
    const key = JSON.stringify(labelValues);
    const row = this.#rows.get(key) ?? this.#newRow(key, labelValues);
    row.value += value;
    return this;
  }

  values(): MetricValue[] {
    return [...this.#rows.values()];
  }

  #newRow(key: string, labelValues: readonly string[]): { labels: Record<string, string>; value: number } {
    const full = this.#rows.size >= this.#limit;
    const values = full ? labelValues.map(() => 'other') : labelValues;
    const rowKey = full ? JSON.stringify(values) : key;
    const labels = Object.fromEntries(this.#names.map((name, index) => [name, values[index] ?? '']));
    const row = this.#rows.get(rowKey) ?? { labels, value: 0 };
    this.#rows.set(rowKey, row);
    return row;
  }
}
