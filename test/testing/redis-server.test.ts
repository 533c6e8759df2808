import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, freePort, type RedisServer, startRedis } from '../../lib/testing/index.js';

let server: RedisServer | undefined;
afterEach(() => server?.stop());

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startRedis', () => {
  it('answers commands on a port of its own, with the arguments given', async () => {
    server = await startRedis({ args: ['--maxmemory', '7mb'] });
    expect(await server.cli('SET', 'k', 'v')).toBe('OK');
    expect(await server.cli('GET', 'k')).toBe('v');
    expect(await server.cli('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(7 * 1024 * 1024)]);
    await expect(server.cli('NONSENSE')).rejects.toThrow('ERR unknown command');
  });

  it('restarts empty on the same port after a kill, or with its data', async () => {
    server = await startRedis();
    await server.cli('SET', 'k', 'v');
    await server.restart({ keepData: true });
    expect(await server.cli('GET', 'k')).toBe('v');
    await server.kill();
    await expect(server.cli('PING')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await server.cli('GET', 'k')).toBeNull();
  });

  it('hangs on pause and goes on with resume', async () => {
    server = await startRedis();
    server.pause();
    const answer = server.cli('PING');
    const first = await Promise.race([answer, new Promise((resolve) => setImmediate(resolve, 'silence'))]);
    expect(first).toBe('silence');
    server.resume();
    expect(await answer).toBe('PONG');
  });

  it('leaves neither a process nor a file behind', async () => {
    server = await startRedis();
    const { pid = 0, socketPath } = server;
    expect(existsSync(socketPath)).toBe(true);
    server.pause();
    await server.stop();
    expect(isRunning(pid)).toBe(false);
    expect(existsSync(socketPath)).toBe(false);
  });

  it('says so when the port is taken', async () => {
    server = await startRedis();
    await expect(startRedis({ port: server.port })).rejects.toThrow('is it taken?');
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('takes its servers along when the process dies of %s', async (signal) => {
    const port = await freePort();
    const script = `import { startRedis } from './lib/testing/index.ts';
      const server = await startRedis({ port: ${port} }); console.log(server.pid); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [printed] = await once(child.stdout, 'data');
    const pid = Number(String(printed).trim());
    expect(isRunning(pid)).toBe(true);
    child.kill(signal);
    await eventually(() => !isRunning(pid));
  });
});
