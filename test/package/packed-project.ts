import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** The package as its users get it: packed, then installed in a project outside the repository. */
export interface PackedProject {
  readonly tarball: string;
  readonly folder: string;
  /** Where the installed package stands. */
  readonly installed: string;
  /** Runs one of `consumers/` with this Node.js and reads the JSON it prints. */
  output(consumer: string, ...args: readonly string[]): Promise<unknown>;
  remove(): void;
}

/** Packs the repository and installs the tarball beside Express and the types a TypeScript user has. */
export async function packedProject(): Promise<PackedProject> {
  const folder = mkdtempSync(join(tmpdir(), 'warmpath-package-'));
  await command('npm', ['pack', '--silent', '--pack-destination', folder], root);
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) as string);

  cpSync(join(import.meta.dirname, 'consumers'), folder, { recursive: true });
  const dependencies = { warmpath: `file:${tarball}`, ...companions() };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await command('npm', ['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'], folder);

  return {
    tarball,
    folder,
    installed: join(folder, 'node_modules/warmpath'),
    output: async (consumer, ...args) => JSON.parse(await command(process.execPath, [consumer, ...args], folder)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A TypeScript project inside the packed one: `consumer.ts` compiled by our compiler under the strictest options. */
export async function compile(project: PackedProject, name: string, type: string, options: object = {}) {
  const folder = join(project.folder, name);
  mkdirSync(folder);
  cpSync(join(project.folder, 'consumer.ts'), join(folder, 'consumer.ts'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }));
  const strictest = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    skipLibCheck: false,
    ...strictest,
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions }));
  await tool('typescript/bin/tsc', '-p', folder);
}

/** Runs a development tool of the repository. Rejects with all it printed when it is not content. */
export function tool(script: string, ...args: readonly string[]): Promise<string> {
  return command(process.execPath, [join(root, 'node_modules', script), ...args], root);
}

/** Paths inside the installed package, sorted. */
export function publishedFiles(project: PackedProject): readonly string[] {
  return readdirSync(project.installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(project.installed, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('node_modules'))
    .sort();
}

// The versions this repository has installed itself, so that nothing new is fetched. Express 4 only by its types.
function companions(): Record<string, string> {
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8')).version;
  return {
    express: versionOf('express'),
    '@types/express': versionOf('@types/express'),
    '@types/node': versionOf('@types/node'),
    'express4-types': 'npm:@types/express@^4.17.25',
    'express4-core-types': 'npm:@types/express-serve-static-core@^4.19.7',
  };
}

async function command(file: string, args: readonly string[], cwd: string): Promise<string> {
  // What `npm test` tells its scripts about itself is not for the npm of another project.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|REDIS_|NODE_ENV)/i.test(name)),
  );
  try {
    const { stdout } = await run(file, args, { cwd, env, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${file} ${args.join(' ')}\n${stdout}${stderr}`);
  }
}
