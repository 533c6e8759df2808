import express from 'express';
import { Redis } from 'ioredis';
import { createCache, createRedis, invalidateOnWrite, responseCache } from '../../../lib/index.js';

// One instance of an app in a process of its own. Its handlers count in Redis how often they ran, so that the
// figures of all instances add up; the film's title lives in Redis as well and stands for the database.
const redis = createRedis(String(process.env.REDIS_URL));
if (redis === undefined) throw new Error('no Redis');
// The database of the app: patient, as its own client would be.
const database = new Redis(String(process.env.REDIS_URL));
// The machine may be slower than the origin it plays: waiting long is what these tests are about.
const cache = createCache({ redis, waitLimit: '60s' });
const app = express();

const runs = (name: string): Promise<unknown> => database.incr(`runs:${name}`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

app.get('/slow', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
  await runs('slow');
  await pause(300);
  res.send('slow');
});

app.get('/deadly', responseCache(cache, { ttl: '1h' }), async (_req, res) => {
  const run = await runs('deadly');
  // The first to run it is to be killed meanwhile.
  if (run === 1) {
    process.send?.({ inside: process.pid });
    await pause(60_000);
  }
  res.send(`run ${run}`);
});

app.get('/film', responseCache(cache, { ttl: '1h', staleWhileRevalidate: '1m', tags: ['film'] }), async (_req, res) => {
  await runs('film');
  res.json({ title: await database.get('title') });
});

app.put('/film/:title', invalidateOnWrite(cache, { tags: ['film'] }), async (req, res) => {
  await database.set('title', String(req.params.title));
  res.sendStatus(204);
});

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
process.on('disconnect', () => process.exit(0));
