import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killProcess, startProcess } from './child-processes.js';
import { eventually } from './eventually.js';
import { findRedisServer } from './find-redis-server.js';
import { freePort } from './free-port.js';
import { type CommandArgument, redisCommand } from './redis-command.js';
import type { RespValue } from './resp.js';

/** Options of {@link startRedis}. */
export interface StartRedisOptions {
  /** More arguments for the server, e.g. `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[];
  /** @default a free one */
  readonly port?: number;
  /** Whether it runs at once; otherwise the address is known and `restart()` starts it. @default true */
  readonly started?: boolean;
}

/** A real Redis (or Valkey) of the test's own: on a free port of 127.0.0.1, without persistence, gone with this process. */
export interface RedisServer {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly url: string;
  readonly socketPath: string;
  /** The process id, `undefined` while it does not run. */
  readonly pid: number | undefined;
  /** One command on a connection of its own. Rejects on an error reply. */
  cli(...args: CommandArgument[]): Promise<Exclude<RespValue, Error>>;
  /** SIGSTOP: hangs with its sockets open. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL; connections are refused from then on. */
  kill(): Promise<void>;
  /** Runs again on the same port after a kill, or instead of the running one. @default keepData false: empty */
  restart(options?: { keepData?: boolean; args?: readonly string[] }): Promise<void>;
  /** Kills it and removes its files. */
  stop(): Promise<void>;
}

/** Starts a Redis server of its own on 127.0.0.1, without persistence. Gone with this process at the latest. */
export async function startRedis({ args = [], port, started = true }: StartRedisOptions = {}): Promise<RedisServer> {
  const server = new RedisProcess(port ?? (await freePort()), args);
  if (started) await server.restart();
  return server;
}

class RedisProcess implements RedisServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly socketPath: string;
  readonly #directory = mkdtempSync(join(tmpdir(), 'warmpath-redis-'));
  #args: readonly string[];
  #child: ChildProcess | undefined;

  constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
    this.socketPath = join(this.#directory, 'redis.sock');
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  cli(...args: CommandArgument[]): Promise<Exclude<RespValue, Error>> {
    return redisCommand(this.port, args);
  }

  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child) await killProcess(child);
  }

  async restart({ keepData = false, args = this.#args }: { keepData?: boolean; args?: readonly string[] } = {}) {
    if (keepData && this.#child) await this.cli('SAVE');
    await this.kill();
    if (!keepData) rmSync(join(this.#directory, 'dump.rdb'), { force: true });
    this.#args = args;
    this.#child = startProcess(findRedisServer(), [...this.#fixedArgs(), ...args], this.#directory);
    await this.#untilItAnswers(this.#child);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #fixedArgs(): string[] {
    const fixed = { port: String(this.port), bind: '127.0.0.1', save: '', appendonly: 'no', dir: this.#directory };
    const more = { unixsocket: this.socketPath, 'enable-debug-command': 'yes', 'repl-diskless-sync-delay': '0' };
    return Object.entries({ ...fixed, ...more }).flatMap(([name, value]) => [`--${name}`, value]);
  }

  // Asked by its own socket, as another server may have the port. Any answer will do: LOADING or NOAUTH may be wanted.
  async #untilItAnswers(child: ChildProcess): Promise<void> {
    await eventually(
      async () => {
        if (child.exitCode !== null) return true;
        return redisCommand(this.socketPath, ['PING'], 1000).then(
          () => true,
          (error: Error) => !('code' in error) && /^[A-Z]{4,} /.test(error.message),
        );
      },
      { timeoutMs: 10_000 },
    );
    if (child.exitCode === null) return;
    this.#child = undefined;
    throw new Error(`The Redis server for port ${this.port} ended at once with code ${child.exitCode}: is it taken?`);
  }
}
