import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again and again until `condition` returns something truthy, and returns it. An exception counts as "not yet".
 * Rejects after `timeoutMs` with the last exception or value. @default timeoutMs 5000, everyMs 10
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 5000, everyMs = 10 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<T> {
  const endsAt = performance.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await condition();
      if (value) return value;
      last = `it was still ${String(value)}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await delay(everyMs);
  } while (performance.now() < endsAt);
  throw new Error(`Not within ${timeoutMs} ms: ${condition.toString().slice(0, 120)}: ${String(last)}`);
}
