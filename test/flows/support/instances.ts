import { type ChildProcess, fork } from 'node:child_process';
import { eventually } from '../../../lib/testing/index.js';
import { runnableScript } from '../../support/compiled-scripts.js';
import { ask } from './serve.js';

/** A process that serves `instance.ts`. */
export interface Instance {
  readonly url: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts processes that share one Redis, and waits until each of them uses it. */
export async function startInstances(count: number, redisUrl: string): Promise<readonly Instance[]> {
  const instances = await Promise.all(Array.from({ length: count }, () => startInstance(redisUrl)));
  return instances;
}

async function startInstance(redisUrl: string): Promise<Instance> {
  const { path, execArgv } = runnableScript(new URL('./instance.ts', import.meta.url));
  const child = fork(path, {
    execArgv: [...execArgv],
    env: { ...process.env, REDIS_URL: redisUrl },
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.on('message', (message: { port?: number }) => message.port !== undefined && resolve(message.port));
    child.once('exit', (code) => reject(new Error(`instance ended with ${code} before it listened`)));
  });
  const url = `http://127.0.0.1:${port}`;
  // Before Redis is in use an instance fills for itself, as it should; the tests are about after that.
  await eventually(async () => {
    const name = `/film?warm=${Math.random()}`;
    await ask(url + name);
    return (await ask(url + name)).cache === 'hit';
  });
  return { url, process: child, stop: () => stop(child) };
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
