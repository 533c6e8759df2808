import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runnableScript } from '../../support/compiled-scripts.js';

const TSX = createRequire(import.meta.url).resolve('tsx/cli');
const EXAMPLE = new URL('../../../example-app/', import.meta.url);

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach(killGroup));

export interface ExampleProcess {
  readonly child: ChildProcess;
  /** everything it printed so far */
  output(): string;
  /** resolves with the first match in its output; rejects with the output when it ends before */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** exit code, or the signal that ended it */
  readonly ended: Promise<number | string>;
  /** asks it to end, as a deployment does */
  stop(): Promise<number | string>;
  /** ends it and all it started at once */
  kill(): Promise<number | string>;
}

/**
 * Runs a file of the example, with an environment that knows no Redis unless told: compiled, which starts several times
 * as fast, or `by` tsx, as `npm start` does.
 */
export function runExample(
  file: string,
  env: Record<string, string> = {},
  by: 'node' | 'tsx' = 'node',
): ExampleProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(REDIS|CACHE|TTL|NODE_ENV|VITEST)/.test(name));
  const script = new URL(file, EXAMPLE);
  const { execArgv, path } = runnableScript(script);
  const child = spawn(process.execPath, by === 'tsx' ? [TSX, fileURLToPath(script)] : [...execArgv, path], {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group of its own, so that a kill reaches the workers it starts
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let text = '';
  const heard = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      text += chunk;
      heard.emit('data');
    });
  }
  let over = false;
  child.once('close', () => {
    over = true;
  });
  const next = () => new Promise((resolve) => heard.once('data', resolve));
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    child,
    output: () => text,
    ended,
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        if (over) throw new Error(`${file} ended (${await ended}) after: ${text}`);
        await Promise.race([next(), ended]);
      }
    },
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
    kill() {
      killGroup(child);
      return ended;
    },
  };
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // the whole group has ended by itself
  }
}

/** A database file of its own for each test, removed with its folder. */
export function databaseFile(): { readonly file: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'films-'));
  return { file: join(folder, 'catalogue.sqlite'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
