import cluster from 'node:cluster';
import { readConfig } from './config.js';
import { prepareCatalogue } from './data/import.js';
import { serve } from './serve.js';
import { runWorkers } from './workers.js';

const config = readConfig();

if (cluster.isPrimary) {
  prepareCatalogue(config.databaseFile);
  if (config.workers > 1) runWorkers(config.workers);
  else await serve(config);
} else {
  await serve(config);
}
