/** A gate a test holds shut while it arranges the rest: hold a handler, do the write, open, look. */
export interface Gate {
  /** Resolves once the gate is open. */
  wait(): Promise<void>;
  open(): void;
  /** Shuts it again for those who come later. */
  shut(): void;
  readonly isOpen: boolean;
  /** How many have called `wait` so far. */
  readonly arrivals: number;
  /** Resolves when `count` have called `wait` in total. @default 1 */
  arrived(count?: number): Promise<void>;
}

/** A shut gate. */
export function gate(): Gate {
  let isOpen = false;
  let arrivals = 0;
  let waiting: Array<() => void> = [];
  let watchers: Array<{ count: number; resolve: () => void }> = [];

  return {
    get isOpen() {
      return isOpen;
    },
    get arrivals() {
      return arrivals;
    },
    wait() {
      arrivals += 1;
      for (const watcher of watchers.filter(({ count }) => arrivals >= count)) watcher.resolve();
      watchers = watchers.filter(({ count }) => arrivals < count);
      return isOpen ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
    },
    open() {
      isOpen = true;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    shut() {
      isOpen = false;
    },
    arrived(count = 1) {
      return arrivals >= count ? Promise.resolve() : new Promise((resolve) => watchers.push({ count, resolve }));
    },
  };
}
