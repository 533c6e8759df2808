import type { FilmApp } from './film-app.js';

export interface Load {
  /** resolves when `count` more requests have been answered */
  answers(count: number): Promise<void>;
  /** ends the load and tells what went wrong */
  stop(): Promise<{ readonly total: number; readonly failures: readonly string[] }>;
}

/** Clients that send one request after the other, round and round the paths, until they are told to stop. */
export function underLoad(apps: readonly FilmApp[], paths: readonly string[], { clients = 4 } = {}): Load {
  let total = 0;
  let running = true;
  const failures: string[] = [];
  let answered = () => {};

  const client = async (turn: number) => {
    for (let n = turn; running; n++) {
      const app = apps[n % apps.length];
      const path = paths[Math.floor(n / apps.length) % paths.length] ?? '/';
      const outcome = await app?.get(path).then(
        ({ status }) => (status === 200 ? undefined : `${path}: ${status}`),
        (error: Error) => `${path}: ${error.message}`,
      );
      if (outcome) failures.push(outcome);
      total += 1;
      answered();
    }
  };
  const all = Promise.all(Array.from({ length: clients }, (_, turn) => client(turn)));

  return {
    answers(count) {
      const goal = total + count;
      return new Promise((resolve) => {
        answered = () => {
          if (total >= goal) resolve();
        };
      });
    },
    async stop() {
      running = false;
      await all;
      return { total, failures };
    },
  };
}
