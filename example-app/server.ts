import cluster from 'node:cluster';
import { readConfig } from './config.js';
import { openCatalogue } from './data/import.js';
import { serveMetricsOfAllWorkers } from './metrics.js';
import { serve } from './serve.js';
import { runWorkers } from './workers.js';

const config = readConfig();

if (cluster.isPrimary && config.workers > 1) {
  openCatalogue(config.databaseFile).close(); // one process imports, before the others look
  runWorkers(config.workers);
  if (config.metricsPort > 0) serveMetricsOfAllWorkers(config.metricsPort);
} else {
  serve(config);
}
