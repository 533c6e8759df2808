import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePort, freePorts } from '../../lib/testing/index.js';

const FIRST_GIVEN_BY_THE_SYSTEM = 32_768;

describe('freePorts', () => {
  it('gives ports that the system gives to no connection by itself before they are used', async () => {
    const ports = await freePorts(100);
    expect(new Set(ports).size).toBe(100);
    expect(Math.max(...ports)).toBeLessThan(FIRST_GIVEN_BY_THE_SYSTEM);
    expect(Math.min(...ports)).toBeGreaterThan(1024);
  });

  it('gives no port twice in a process, and none that is listened on', async () => {
    const first = await freePort();
    const taken = createServer().listen(first + 1, '127.0.0.1');
    await Promise.race([once(taken, 'listening'), new Promise((resolve) => taken.once('error', resolve))]);
    const later = await freePorts(3);
    expect(later).not.toContain(first);
    expect(later).not.toContain(first + 1);
    taken.close();
  });
});
