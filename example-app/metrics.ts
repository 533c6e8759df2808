import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { CatalogueDatabase } from './data/database.js';

/** The registry of this app: its own figures about SQLite, which warmpath's join on `/metrics`. */
export function catalogueMetrics(db: CatalogueDatabase): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'sqlite_size_bytes',
    help: 'Size of the catalogue database',
    registers: [registry],
    aggregator: 'max', // several workers look at one file
    collect() {
      this.set(db.sizeBytes());
    },
  });
  new Counter({
    name: 'sqlite_queries_total',
    help: 'Statements run on the catalogue database',
    labelNames: ['kind'],
    registers: [registry],
    collect() {
      this.reset();
      this.inc({ kind: 'read' }, db.counts.reads);
      this.inc({ kind: 'write' }, db.counts.writes);
    },
  });
  if (cluster.isWorker) tellFirstProcess(registry);
  return registry;
}

/** A worker's figures go to the first process when it asks for them. */
function tellFirstProcess(registry: Registry): void {
  new AggregatorRegistry(); // listens for the question
  AggregatorRegistry.setRegistries(registry);
}

/** In the first process of several: answers on `port` with the figures of all workers as one. */
export function serveMetricsOfAllWorkers(port: number): void {
  const all = new AggregatorRegistry();
  const server = createServer((_req, res) => {
    all.clusterMetrics().then(
      (text) => res.setHeader('Content-Type', all.contentType).end(text),
      () => res.writeHead(503).end(), // a worker did not answer in time
    );
  });
  server.listen(port);
}
