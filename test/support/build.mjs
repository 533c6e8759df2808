// Builds dist/: ESM and CommonJS bundles with shared chunks, one declaration tree per format, and the shipped files.
// Bundled because reading a hundred small modules alone would take half of the start-up budget.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const lib = join(root, 'lib');
const dist = join(root, 'dist');

const ENTRIES = { index: join(lib, 'index.ts'), 'testing/index': join(lib, 'testing/index.ts') };
const SHIPPED = /\.(json|ya?ml)$/;

rmSync(dist, { recursive: true, force: true });
declareTypes();
await bundle();
shipFiles('ops');
refuseForeignSyntax();

/** One tree of `.d.ts` by the compiler, and its twin of `.d.cts`: equal but for the extension of the modules they name. */
function declareTypes() {
  const project = join(root, 'test/support/tsconfig.build.json');
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { stdio: 'inherit' });
  for (const file of filesUnder(dist, /\.d\.ts$/)) {
    const text = readFileSync(file, 'utf8');
    const twin = text.replaceAll(/(\bfrom |\bimport |\bimport\()(['"])(\.{1,2}\/[^'"]+)\.js\2/g, '$1$2$3.cjs$2');
    writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), twin);
  }
}

/** Declared dependencies stay outside; what else is named, a helper of the compiler for instance, is taken in. */
async function bundle() {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const build = await rolldown({
    input: ENTRIES,
    platform: 'node',
    external: (id) =>
      isBuiltin(id) || Object.keys(dependencies).some((name) => id === name || id.startsWith(`${name}/`)),
    // A cycle, an unresolved import or an empty import.meta would reach the consumer: here they end the build.
    onLog: (_level, log) => {
      throw new Error(`${log.code ?? 'bundler'}: ${log.message}`);
    },
  });
  for (const [format, extension] of [
    ['esm', 'js'],
    ['cjs', 'cjs'],
  ]) {
    await build.write({
      dir: dist,
      format,
      exports: 'named',
      strict: true,
      // import() is missing in some CommonJS hosts (jest without flags); a late require() is not.
      dynamicImportInCjs: false,
      comments: { legal: true, annotation: true, jsdoc: false },
      entryFileNames: `[name].${extension}`,
      chunkFileNames: `chunks/[name]-[hash].${extension}`,
    });
  }
  await build.close();
}

/** Dashboards and alert rules go out as they are. */
function shipFiles(folder) {
  if (!existsSync(join(lib, folder))) return;
  for (const file of filesUnder(join(lib, folder), SHIPPED)) cpSync(file, join(dist, relative(lib, file)));
}

function refuseForeignSyntax() {
  for (const file of filesUnder(dist, /\.cjs$/)) {
    if (/\bimport\.meta\b/.test(readFileSync(file, 'utf8'))) throw new Error(`${file}: import.meta in CommonJS`);
  }
}

function filesUnder(folder, pattern) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
