import { describe, expect, it } from 'vitest';
import { play, type Scenario, SHORT } from './support/scenario.js';
import { absences, foreign, losses, refusals } from './support/server-scenarios.js';

// Promised are two seconds, which `npm run faults` measures; a test runs where other things run, too.
const RECOVERED_MS = 10_000;

const inProcess = ({ needsProcess }: Scenario): boolean => needsProcess !== true;
const all = [...absences, ...refusals, ...foreign, ...losses].filter(inProcess);

describe('an app under load, with its cache and limiter on a Redis that fails', { timeout: 40_000 }, () => {
  it.concurrent.each(all)('$row $title: nobody notices, and all is well soon after', async (scenario) => {
    const { failed, stale, wrong, recoverMs, requests, waitedFor } = await play(scenario, SHORT);
    expect(failed).toEqual([]);
    expect(stale).toEqual([]);
    expect(wrong).toEqual([]);
    expect(requests).toBeGreaterThan(30);
    expect(recoverMs, waitedFor).toBeLessThan(RECOVERED_MS);
  });
});
