import { createRequire } from 'node:module';
import express5 from 'express';
import { createCache } from '../../lib/cache/cache.js';
import type { ExpressModule } from './app.js';
import { runDifferential } from './run-differential.js';

// npm run fuzz [-- --seed=<first> --apps=<how many> --requests=<of each>]: differential runs with new seeds, in memory.

const flags = new Map(process.argv.slice(2).map((flag) => flag.replace(/^--/, '').split('=') as [string, string]));
const firstSeed = Number(flags.get('seed') ?? Date.now() % 1_000_000);
const apps = Number(flags.get('apps') ?? 50);
const requests = Number(flags.get('requests') ?? 5_000);
const express4 = createRequire(import.meta.url)('express4') as ExpressModule;

for (let seed = firstSeed; seed < firstSeed + apps; seed++) {
  const cache = createCache({ logger: { debug() {}, info() {}, warn() {}, error() {} } });
  const result = await runDifferential({ seed, requests, express: seed % 4 === 0 ? express4 : express5, cache });
  await cache.close();
  const ratio = Math.round((100 * result.hits) / result.requests);
  console.log(`seed ${seed}: ${result.requests} requests, ${ratio} % hits, ${result.differences.length} differences`);
  for (const difference of result.differences) console.log(difference);
  if (result.differences.length > 0) process.exitCode = 1;
}
