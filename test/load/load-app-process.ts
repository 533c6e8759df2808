import { PinnedProcess } from '../bench/harness/pinned-process.js';
import { ask } from '../flows/support/serve.js';
import { runnableScript } from '../support/compiled-scripts.js';

/** What the app says of its memory and its event loop, in bytes and milliseconds. */
export interface LoadState {
  readonly rss: number;
  /** Highest resident size since it started. */
  readonly peak: number;
  readonly arrayBuffers: number;
  readonly heapUsed: number;
  readonly entries: number;
  readonly bytes: number;
  readonly level: 'memory' | 'redis';
  readonly runs: number;
  /** Delay of the event loop at the 99th percentile. */
  readonly lagMs: number;
  /** How long it was ready to run and another process had its core, since it started; 0 where that is not known. */
  readonly starvedMs: number;
}

/** The app of these runs, in a process of its own. */
export interface LoadApp {
  readonly url: string;
  readonly port: number;
  /** `query`: `gc` collects first, `reset` starts the delays anew. */
  state(query?: string): Promise<LoadState>;
  stop(): Promise<void>;
}

const APP_CORE = 0;

/** Starts the app, on a core of its own where that can be had. */
export async function startLoadApp(
  spec: { redis?: string; maxBytes?: string } = {},
  nodeArgs: readonly string[] = [],
): Promise<LoadApp> {
  const { path, execArgv } = runnableScript(new URL('./load-app.ts', import.meta.url));
  const app = new PinnedProcess(path, {
    core: APP_CORE,
    nodeArguments: [...execArgv, '--expose-gc', ...nodeArgs],
    env: { LOAD_APP: JSON.stringify(spec) },
  });
  const { port } = await app.receive<{ port: number }>();
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    port,
    state: async (query = '') => JSON.parse((await ask(`${url}/state?${query}`)).body.toString()) as LoadState,
    stop: () => app.stop(),
  };
}
