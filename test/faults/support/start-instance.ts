import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { CacheOptions } from '../../../lib/cache/cache-options.js';
import type { CreateRedisOptions } from '../../../lib/redis/connection-options.js';
import { runnableScript } from '../../support/compiled-scripts.js';

/** What an app in a process of its own is made of; everything in it survives JSON. */
export interface InstanceSpec {
  readonly redis?: string | CreateRedisOptions;
  readonly cache?: Pick<CacheOptions, 'memory' | 'namespace' | 'version' | 'lease' | 'waitLimit'>;
  readonly databaseUrl?: string;
  /** How far off this process takes the wall clock to be. */
  readonly clockSkewMs?: number;
}

export interface Instance {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves to the code it ended with. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts the film app in a process of its own, which ends with this one. */
export async function startInstance(spec: InstanceSpec, nodeArgs: readonly string[] = []): Promise<Instance> {
  const { path, execArgv } = runnableScript(new URL('./instance.ts', import.meta.url));
  const child = fork(path, {
    execArgv: [...execArgv, ...nodeArgs],
    env: { ...process.env, INSTANCE: JSON.stringify(spec) },
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: { port: number }) => resolve(message.port));
    child.once('exit', (code) => reject(new Error(`the instance ended with ${code} before it listened`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    process: child,
    async stop(signal = 'SIGKILL') {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const gone = once(child, 'exit');
      child.kill(signal);
      return (await gone)[0] as number | null;
    },
  };
}
