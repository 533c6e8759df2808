import { vi } from 'vitest';

/** Asserts again and again until it holds; generous, because the machine may be busy. */
export function soon(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 });
}
