// One app, driven once: what import and require must both bring to life. Returns what a client saw.
exports.flow = async function flow(express, warmpath) {
  const cache = warmpath.createCache({ redis: warmpath.createRedis() });
  const app = express();
  let runs = 0;
  app.use(warmpath.requestMetrics());
  app.use(warmpath.healthRouter({ cache }));
  app.use(warmpath.metricsRouter());
  app.use(warmpath.rateLimiter({ tiers: { anonymous: { rate: 100, burst: 100 } }, tier: () => 'anonymous' }));
  app.use('/admin', warmpath.adminRouter({ cache, authorize: () => true }));
  app.get('/films/:id', warmpath.responseCache(cache, { ttl: '1m', tags: ['film:{id}'] }), (req, res) => {
    runs += 1;
    res.json({ id: req.params.id, runs });
  });
  app.put('/films/:id', warmpath.invalidateOnWrite(cache, { tags: ['film:{id}'] }), (_req, res) => {
    res.status(204).end();
  });

  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const at = `http://127.0.0.1:${server.address().port}`;
  const read = async (path) => {
    const response = await fetch(at + path);
    return { status: response.status, cache: response.headers.get('x-cache'), text: await response.text() };
  };
  try {
    const cold = await read('/films/7');
    const warm = await read('/films/7');
    const write = await fetch(`${at}/films/7`, { method: 'PUT' });
    const after = await read('/films/7');
    const metrics = await read('/metrics');
    const health = await read('/healthz');
    const page = await read('/admin/observability');
    return {
      seen: [cold.cache, warm.cache, write.status, after.cache],
      sameBytes: cold.text === warm.text && cold.text !== after.text,
      metrics: metrics.text.includes('cache_requests_total'),
      health: health.status,
      page: page.text.slice(0, 15).toLowerCase(),
    };
  } finally {
    server.close();
    await cache.close();
  }
};
