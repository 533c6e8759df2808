/** Things this process has, held weakly: being listed keeps nothing alive. */
export class LiveList<T extends object> {
  #refs: WeakRef<T>[] = [];

  add(item: T): void {
    if (!this.values().includes(item)) this.#refs.push(new WeakRef(item));
  }

  remove(item: T): void {
    this.#refs = this.#refs.filter((ref) => ref.deref() !== item);
  }

  values(): readonly T[] {
    this.#refs = this.#refs.filter((ref) => ref.deref() !== undefined);
    return this.#refs.map((ref) => ref.deref()).filter((item) => item !== undefined);
  }
}
