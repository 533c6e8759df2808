import { describe, expect, it } from 'vitest';
import { Flight } from '../../lib/cache/flights.js';

/** Keeps this process from doing anything else, as a burst of requests does. */
function occupy(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

describe('waiting for the fill of another request', () => {
  it('ends with its outcome, at once when it is over', async () => {
    const flight = new Flight();
    const waiting = flight.wait(10_000);
    flight.settle('overtaken');
    expect([await waiting, await flight.wait(10_000)]).toEqual(['overtaken', 'overtaken']);
    expect(flight.waiting).toBe(0);
  });

  it('ends after its limit, and not before', async () => {
    const flight = new Flight();
    const startedAt = performance.now();
    expect(await flight.wait(20)).toBe('timeout');
    expect(performance.now() - startedAt).toBeGreaterThan(19);
    expect(flight.waiting).toBe(0);
    expect(await flight.wait(0)).toBe('timeout');
  });

  it('hears of an outcome that came while the process was too busy to look', async () => {
    const flight = new Flight();
    // From here on, timers come before what has arrived meanwhile.
    await new Promise<void>((resolve) => setImmediate(resolve));
    const waiting = flight.wait(10);
    setImmediate(() => flight.settle('stored'));
    occupy(30);
    expect(await waiting).toBe('stored');
  });
});
