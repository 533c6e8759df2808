import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface PinnedOptions {
  /** Core the process and all its threads stay on; ignored where `taskset` is missing. @default any */
  readonly core?: number;
  readonly node?: string;
  readonly nodeArguments?: readonly string[];
  readonly arguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A Node process on one core that answers questions over IPC, one at a time. */
export class PinnedProcess {
  readonly #child: ChildProcess;

  constructor(script: string, options: PinnedOptions) {
    const command = [
      options.node ?? process.execPath,
      ...(options.nodeArguments ?? []),
      script,
      ...(options.arguments ?? []),
    ];
    const pinned = canPin && options.core !== undefined ? ['taskset', '-c', String(options.core), ...command] : command;
    this.#child = spawn(pinned[0]!, pinned.slice(1), {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', ...options.env },
    });
    running.add(this.#child);
    this.#child.on('exit', () => running.delete(this.#child));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The next message of the process. */
  receive<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null): void => reject(new Error(`bench process ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        resolve(message as T);
      });
    });
  }

  async ask<T>(question: unknown): Promise<T> {
    const answer = this.receive<T>();
    this.#child.send(question as object);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    if (this.#child.connected) this.#child.disconnect();
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 2000);
    await ended;
    clearTimeout(impatience);
  }
}
