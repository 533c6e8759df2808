/** What many entries have in common, each kept once for as long as an entry uses it. */
export class Shapes {
  readonly #known = new Map<string, number>();
  readonly #shapes: ({ readonly json: string; readonly value: unknown; uses: number } | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #max: number;

  constructor(max = 4096) {
    this.#max = max;
  }

  /** The number of a shape, now used once more. 0: there are too many. */
  use(json: string): number {
    const known = this.#known.get(json);
    if (known !== undefined) {
      (this.#shapes[known] as { uses: number }).uses += 1;
      return known;
    }
    if (this.#known.size >= this.#max) return 0;
    const number = this.#free.pop() ?? this.#shapes.length;
    this.#shapes[number] = { json, value: JSON.parse(json), uses: 1 };
    this.#known.set(json, number);
    return number;
  }

  /** What {@link use} was given, parsed; shared by all who ask, so changed by none. */
  valueOf(number: number): unknown {
    return this.#shapes[number]?.value;
  }

  /** One entry fewer uses it. */
  release(number: number): void {
    const shape = this.#shapes[number];
    if (shape === undefined || --shape.uses > 0) return;
    this.#known.delete(shape.json);
    this.#shapes[number] = undefined;
    this.#free.push(number);
  }

  clear(): void {
    this.#known.clear();
    this.#shapes.length = 1;
    this.#free.length = 0;
  }
}
