import { type ChildProcess, spawn } from 'node:child_process';
import { LOAD_CORE } from './compare.js';
import { freePort } from './free-port.js';

export interface BenchRedis {
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

/** A redis-server without persistence on the load generator's core, so that it takes nothing from the process under test. */
export async function startRedis(pin: boolean): Promise<BenchRedis> {
  const port = await freePort();
  const command = [
    'redis-server',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
    '--bind',
    '127.0.0.1',
    '--databases',
    '100',
  ];
  const pinned = pin ? ['taskset', '-c', String(LOAD_CORE), ...command] : command;
  const child: ChildProcess = spawn(pinned[0]!, pinned.slice(1), { stdio: ['ignore', 'pipe', 'ignore'] });
  const stop = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', stop);
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    child.stdout!.on('data', (text: Buffer) => {
      if (text.includes('Ready to accept connections')) resolve();
    });
  });
  return { port, pid: child.pid ?? 0, stop };
}
