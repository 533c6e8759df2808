/** A fill or a write of one key that is under way in this process. */
export interface KeyTask {
  /** Whether the key was written meanwhile, so that what this makes is out of date. */
  readonly isOvertaken: boolean;
  overtake(): void;
  end(): void;
}

/**
 * Who is at work on which key in this process. Redis tells fills of different processes apart by their leases; within
 * a process, and while Redis is away, this does.
 */
export class KeyWork {
  readonly #tasks = new Map<string, Set<Task>>();
  readonly #lastWrites = new Map<string, Promise<unknown>>();

  begin(key: string): KeyTask {
    const tasks = this.#tasks.get(key) ?? new Set<Task>();
    this.#tasks.set(key, tasks);
    const task = new Task(() => {
      tasks.delete(task);
      if (tasks.size === 0 && this.#tasks.get(key) === tasks) this.#tasks.delete(key);
    });
    tasks.add(task);
    return task;
  }

  /** What others have under way for the key is out of date. */
  overtake(key: string, except?: KeyTask): void {
    for (const task of this.#tasks.get(key) ?? []) if (task !== except) task.overtake();
  }

  /** Runs writes of one key one after the other, in the order they were asked for. */
  async inOrder<T>(key: string, write: () => Promise<T>): Promise<T> {
    const before = this.#lastWrites.get(key);
    const run = before === undefined ? write() : before.then(write, write);
    this.#lastWrites.set(key, run);
    try {
      return await run;
    } finally {
      if (this.#lastWrites.get(key) === run) this.#lastWrites.delete(key);
    }
  }
}

class Task implements KeyTask {
  isOvertaken = false;
  readonly #onEnd: () => void;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  overtake(): void {
    this.isOvertaken = true;
  }

  end(): void {
    this.#onEnd();
  }
}
