import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface Program {
  /** Accepted executables, best first. */
  readonly names: readonly string[];
  /** The package that brings it, by package manager. */
  readonly packages: Readonly<Record<'apt-get' | 'apk' | 'brew', string>>;
}

const PROGRAMS = {
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    packages: { 'apt-get': 'chromium', apk: 'chromium', brew: 'chromium' },
  },
  promtool: {
    names: ['promtool'],
    packages: { 'apt-get': 'prometheus', apk: 'prometheus', brew: 'prometheus' },
  },
  prometheus: {
    names: ['prometheus'],
    packages: { 'apt-get': 'prometheus', apk: 'prometheus', brew: 'prometheus' },
  },
} as const satisfies Record<string, Program>;

/**
 * The path of a program of the system that tests need. Where it is missing and the package manager may be used, it is
 * installed; else this rejects with one line that says what to install. Tests are never skipped for want of a program.
 */
export async function requireProgram(name: keyof typeof PROGRAMS): Promise<string> {
  const program: Program = PROGRAMS[name];
  const present = find(program.names);
  if (present) return present;

  await oneAtATime(async () => {
    if (!find(program.names)) await install(program);
  });
  const installed = find(program.names);
  if (installed) return installed;
  throw new Error(`The tests need ${program.names.join(' or ')} on PATH: install ${hint(program)}.`);
}

function find(names: readonly string[]): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of names) {
    const path = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (path) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent, or not for us
  }
}

async function install(program: Program): Promise<void> {
  for (const [manager, name] of Object.entries(program.packages)) {
    const command = find([manager]);
    if (!command) continue;
    const prefix = manager === 'brew' || process.getuid?.() === 0 ? [] : ['sudo', '-n'];
    console.log(`Installing ${name} with ${manager} for the tests …`);
    try {
      for (const args of steps(manager, name)) await execute([...prefix, command, ...args]);
    } catch (error) {
      console.warn(`${manager} could not install ${name}: ${error instanceof Error ? error.message : error}`);
    }
    return;
  }
}

function steps(manager: string, name: string): readonly (readonly string[])[] {
  if (manager === 'apt-get') return [['update'], ['install', '-y', '--no-install-recommends', name]];
  return manager === 'apk' ? [['add', '--no-cache', name]] : [['install', name]];
}

async function execute([command, ...args]: readonly string[]): Promise<void> {
  // RUNLEVEL=1 keeps Debian from starting what it installs as a service: every test starts its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await run(command as string, args, { env, maxBuffer: 64 * 1024 * 1024, timeout: 10 * 60_000 });
}

function hint(program: Program): string {
  return Object.entries(program.packages)
    .map(([manager, name]) => `'${name}' (${manager})`)
    .join(', ');
}

// Test files run in several processes, and a package manager takes one caller at a time.
async function oneAtATime(task: () => Promise<void>): Promise<void> {
  const lock = join(tmpdir(), 'warmpath-install.lock');
  while (!take(lock)) await delay(500);
  try {
    await task();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function take(lock: string): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const heldSince = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - heldSince > 15 * 60_000) rmSync(lock, { recursive: true, force: true }); // its holder has died
    return false;
  }
}
