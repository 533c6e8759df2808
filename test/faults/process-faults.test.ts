import { describe, expect, it } from 'vitest';
import { play, SHORT } from './support/scenario.js';
import { losses } from './support/server-scenarios.js';

const all = losses.filter(({ needsProcess }) => needsProcess);

describe('apps in processes of their own, of which one suffers', { timeout: 60_000 }, () => {
  it.concurrent.each(all)('$row $title: nobody notices', async (scenario) => {
    const { failed, stale, wrong, requests } = await play(scenario, SHORT);
    expect(failed).toEqual([]);
    expect(stale).toEqual([]);
    expect(wrong).toEqual([]);
    expect(requests).toBeGreaterThan(20);
  });
});
