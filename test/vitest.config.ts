import { defineConfig } from 'vitest/config';
import { CountsReporter } from './support/counts-reporter.js';
import { LongestFirst } from './support/longest-first.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', new CountsReporter()],
    // Real servers, processes and faults on a machine that may be busy with other things: what fails is tried once more,
    // and the report names it.
    retry: 1,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // A third of the time tests wait: for faults, failovers, lifetimes. Three of them keep two cores busy.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
  },
});
