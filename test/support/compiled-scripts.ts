import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join, parse, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(import.meta.dirname, '../..');
const FOLDER = 'WARMPATH_COMPILED_SCRIPTS';

/** What tests start in processes of their own, often many times: translated once it starts in a quarter of the time. */
const SCRIPTS = [
  'example-app/quick-start.ts',
  'example-app/server.ts',
  'example-app/tour.ts',
  'test/faults/support/instance.ts',
  'test/flows/data/views-process.ts',
  'test/flows/rate-limiter-child.ts',
  'test/flows/support/instance.ts',
  'test/load/generator.ts',
  'test/load/load-app.ts',
  'test/middleware/support/shutdown-app.ts',
];

/** How to start a script with `node`: what comes before its arguments. */
export interface RunnableScript {
  readonly execArgv: readonly string[];
  readonly path: string;
}

/** A script as Node runs it: compiled where `compileScripts` was told so, else translated by tsx as it is loaded. */
export function runnableScript(script: URL): RunnableScript {
  const path = fileURLToPath(script);
  const name = relative(ROOT, path);
  const folder = process.env[FOLDER];
  if (folder === undefined || !SCRIPTS.includes(name)) return { execArgv: ['--import', 'tsx'], path };
  return { execArgv: [], path: join(folder, `${entryName(name)}.mjs`) };
}

/**
 * Compiles the scripts, with all they import of this repository, for this process and those it starts. Below
 * `node_modules`, because from there the packages are found. Resolves to what removes them.
 */
export async function compileScripts(): Promise<() => void> {
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'warmpath-scripts-'));
  const { rolldown } = await import('rolldown'); // not for those who only ask what to run
  const build = await rolldown({
    input: Object.fromEntries(SCRIPTS.map((name) => [entryName(name), join(ROOT, name)])),
    platform: 'node',
    external: (id) => !/^[./]/.test(id),
  });
  await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await build.close();
  process.env[FOLDER] = folder;
  return () => {
    delete process.env[FOLDER];
    rmSync(folder, { recursive: true, force: true });
  };
}

function entryName(script: string): string {
  const { dir, name } = parse(script);
  return [...dir.split(/[\\/]/), name].join('-');
}
