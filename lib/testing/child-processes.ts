import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Every server process of this kit that is alive. */
const alive = new Set<ChildProcess>();
let reaper: ChildProcess | undefined;

// Reads "+ pid" and "- pid"; when this process is gone, however it went, the pipe ends and the rest is killed.
const REAPER = `while read sign pid; do
  if [ "$sign" = "+" ]; then pids="$pids $pid"; else
    kept=""; for one in $pids; do [ "$one" = "$pid" ] || kept="$kept $one"; done; pids="$kept"
  fi
done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null`;

/** Starts a server that cannot outlive this process, even if this process is killed with SIGKILL. */
export function startProcess(path: string, args: readonly string[], directory: string): ChildProcess {
  const child = spawn(path, args, { cwd: directory, stdio: ['ignore', 'ignore', 'ignore'] });
  child.unref();
  child.once('error', () => alive.delete(child));
  if (child.pid === undefined) return child;

  if (alive.size === 0) process.once('exit', killAll);
  alive.add(child);
  tellReaper('+', child.pid);
  child.once('exit', () => forget(child));
  return child;
}

/** Kills one process started here and waits until it is gone. */
export async function killProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.ref();
  const gone = once(child, 'exit');
  child.kill('SIGKILL'); // works on a stopped process, too
  await gone;
}

function forget(child: ChildProcess): void {
  alive.delete(child);
  if (child.pid !== undefined) tellReaper('-', child.pid);
  if (alive.size > 0) return;
  process.removeListener('exit', killAll);
  reaper?.stdin?.end();
  reaper = undefined;
}

function killAll(): void {
  for (const child of alive) child.kill('SIGKILL');
}

function tellReaper(sign: '+' | '-', pid: number): void {
  if (!reaper) {
    reaper = spawn('sh', ['-c', REAPER], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    reaper.unref();
    reaper.on('error', () => {}); // no shell here: the exit listener still does its part
    reaper.stdin?.on('error', () => {});
    (reaper.stdin as Socket | null)?.unref();
  }
  reaper.stdin?.write(`${sign} ${pid}\n`);
}
