import { appendFileSync } from 'node:fs';
import Database from 'libsql';
import { createCache, createRedis } from '../../../lib/index.js';

// Pushes the views of one user and writes those of everybody into SQLite. Meant to be killed at any moment.
const [url, namespace, database, acknowledged, user, from, count] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];

interface View {
  readonly id: string;
  readonly user: string;
  readonly n: number;
}

const sqlite = new Database(database);
sqlite.pragma('busy_timeout = 10000');
const insert = sqlite.prepare(
  'INSERT INTO views (id, user, n) VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET times = times + 1',
);

const redis = createRedis(url);
const cache = createCache({ redis, namespace });
const record = cache.writeBehind<View>('views', {
  id: ({ id }) => id,
  maxBatch: 50,
  maxDelay: '20ms',
  pushTimeout: '20s',
  flush: (views) => {
    sqlite.transaction(() => {
      for (const view of views) insert.run(view.id, view.user, view.n);
    })();
  },
});

let next = Number(from);
async function push(): Promise<void> {
  for (let n = next++; n < Number(count); n = next++) {
    await record({ id: `${user}-${n}`, user, n });
    appendFileSync(acknowledged, `${n}\n`);
  }
}

await Promise.all(Array.from({ length: 20 }, push));
await cache.close({ grace: '20s' });
redis?.disconnect();
sqlite.close();
