import express from 'express';
import { cacheHeaders, createCache, createRedis, invalidateOnWrite, responseCache } from './warmpath.js';

const films = new Map([['1', { title: 'The Land Girls', year: 1998 }]]);

const redis = createRedis(); // reads REDIS_URL; undefined without it, and the cache lives in this process
const cache = createCache({ redis });
const app = express();

app.get(
  '/films/:id',
  cacheHeaders({ public: true, maxAge: 0 }), // browsers ask again each time and get a 304
  responseCache(cache, { ttl: '1h', tags: ['film:{id}'] }),
  (req, res) => {
    const film = films.get(String(req.params.id));
    res.status(film ? 200 : 404).json(film ?? { error: 'no such film' });
  },
);

app.put('/films/:id', express.json(), invalidateOnWrite(cache, { tags: ['film:{id}'] }), (req, res) => {
  films.set(String(req.params.id), req.body);
  res.json(req.body); // whoever has this answer never again gets the old film
});

const server = app.listen(process.env.PORT ?? 3000, () => {
  const address = server.address();
  console.log(`http://localhost:${typeof address === 'object' ? address?.port : address}/films/1`);
});
