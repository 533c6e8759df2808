import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['redis-server', 'valkey-server'];

/** How each package manager brings a server, and whether it needs root. */
const INSTALLERS = [
  {
    tool: 'apt-get',
    root: true,
    steps: [
      ['update', '-qq'],
      ['install', '-y', '-qq', '-o', 'DPkg::Lock::Timeout=180', 'redis-server'],
    ],
  },
  { tool: 'apk', root: true, steps: [['add', '--no-cache', 'redis']] },
  { tool: 'brew', root: false, steps: [['install', 'redis']] },
];

let found: string | undefined;

/**
 * The path of a `redis-server` or `valkey-server`. Where none is on PATH, one is installed by apt, apk or brew if this
 * user may; else it throws one line that says what to install.
 */
export function findRedisServer(): string {
  found ??= onPath(NAMES) ?? installed();
  if (found) return found;
  throw new Error(
    'No redis-server or valkey-server on PATH: install one (apt-get install redis-server, apk add redis, brew install redis).',
  );
}

function onPath(names: readonly string[]): string | undefined {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) if (isExecutable(join(directory, name))) return join(directory, name);
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // absent or not ours to run: look on
  }
}

function installed(): string | undefined {
  const isRoot = process.getuid?.() === 0;
  for (const { tool, root, steps } of INSTALLERS) {
    const path = onPath([tool]);
    if (!path || root !== isRoot) continue;
    for (const step of steps) {
      spawnSync(path, step, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    }
    const server = onPath(NAMES);
    if (server) return server;
  }
  return undefined;
}
