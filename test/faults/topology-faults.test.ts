import { describe, expect, it } from 'vitest';
import { play, SHORT } from './support/scenario.js';
import { topologies } from './support/topology-scenarios.js';

describe('an app under load, with its cache and limiter on several servers that fail', { timeout: 60_000 }, () => {
  it.concurrent.each(topologies)('$row $title: nobody notices, and all is well soon after', async (scenario) => {
    const { failed, stale, wrong, recoverMs, storeErrors, waitedFor } = await play(scenario, SHORT);
    expect(failed).toEqual([]);
    expect(stale).toEqual([]);
    expect(wrong).toEqual([]);
    expect(storeErrors.filter((error) => error.includes('CROSSSLOT'))).toEqual([]);
    // Promised are two seconds from when there is a master; the rest is for a machine that does other things, too.
    expect(recoverMs, waitedFor).toBeLessThan(10_000);
  });
});
