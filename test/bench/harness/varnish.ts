import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.js';
import type { ServerUsage } from './messages.js';
import { cpuMicrosOf, processTree, rssBytesOf } from './process-tree.js';
import { programEnvironment } from './programs.js';
import type { Front } from './serve.js';

// Ends with the process that started it, however that ends: then the input is closed.
const UNTIL_INPUT_ENDS = 'folder=$0; "$@" & daemon=$!; read _; kill $daemon; wait $daemon; rm -rf "$folder"';

const STARTING_MS = 20_000;

function daemon(folder: string, port: number, backendPort: number): string[] {
  const backend = ['-b', `127.0.0.1:${backendPort}`, '-t', '3600'];
  const place = ['-F', '-j', 'none', '-n', folder, '-a', `127.0.0.1:${port}`, '-T', 'none', '-s', 'malloc,256m'];
  // As of all servers here, connections stay open from round to round.
  return ['varnishd', ...place, ...backend, '-p', 'timeout_idle=900'];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => resolve(socket.destroy() !== undefined));
    socket.on('error', () => resolve(false));
  });
}

/** Varnish with its default VCL before a server, on the same cores as this process, and gone when this process is. */
export async function startVarnish(backendPort: number): Promise<Front> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'bench-varnish-'));
  const command = ['-c', UNTIL_INPUT_ENDS, folder, ...daemon(folder, port, backendPort)];
  const shell = spawn('sh', command, { stdio: ['pipe', 'ignore', 'ignore'], env: programEnvironment });
  const until = performance.now() + STARTING_MS;
  while (!(await accepts(port))) {
    if (performance.now() > until || shell.exitCode !== null) throw new Error('varnishd did not start');
    await sleep(50);
  }
  const tree = processTree(shell.pid ?? 0);
  const sum = (of: (pid: number) => number): number => tree.reduce((total, pid) => total + of(pid), 0);
  return { port, usage: (): ServerUsage => ({ cpuMicros: sum(cpuMicrosOf), rssBytes: sum(rssBytesOf) }) };
}
