import { readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The root of the package. */
export const packageRoot = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const benchRoot = join(packageRoot, 'test/bench');

// Inside node_modules: git-ignored, and bare imports of the bench still find the peers one folder up.
const benchOutput = join(benchRoot, 'node_modules/.compiled');
// Elsewhere, so that the library never finds a peer's dependency in place of its own.
const libOutput = join(packageRoot, 'node_modules/.warmpath-bench');

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (name === 'node_modules' || name === 'results') return [];
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') ? [path] : [];
  });
}

/** Compiles files one to one, without bundling: what is measured is JavaScript as Node loads it, no loader hook in between. */
async function transpile(folder: string, outdir: string): Promise<void> {
  await build({
    entryPoints: sources(folder),
    outbase: folder,
    outdir,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  });
}

export interface Compiled {
  /** Where a compiled file of the bench is: `compiled.bench('harness/load')`. */
  bench(path: string): string;
  /** The compiled entry of the library. */
  readonly library: string;
}

export async function compile(options: { readonly library: boolean }): Promise<Compiled> {
  await transpile(benchRoot, benchOutput);
  if (options.library) await transpile(join(packageRoot, 'lib'), libOutput);
  return {
    bench: (path) => join(benchOutput, `${relative('.', path)}.js`),
    library: join(libOutput, 'index.js'),
  };
}
