import { existsSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { compile, type PackedProject, packedProject, publishedFiles, tool } from './packed-project.js';

const PUBLIC_NAMES = [
  ...['createRedis', 'createCache', 'responseCache', 'cacheHeaders', 'rateLimiter', 'invalidateOnWrite'],
  ...['requestMetrics', 'healthRouter', 'metricsRouter', 'adminRouter', 'createServer', 'warm', 'addTags'],
  ...['signedIdentity', 'cachedRepository', 'configFromEnv', 'WarmpathError'],
];
const FLOW = {
  seen: ['miss', 'hit', 204, 'miss'],
  sameBytes: true,
  metrics: true,
  health: 200,
  page: '<!doctype html>',
};
const NOT_BEFORE_USE = ['prom-client', 'ioredis', 'express', 'compression'];

interface Used {
  names: string[];
  testing: string[];
  flow: typeof FLOW;
}

// Compilers and other people's tools run here, also on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

let project: PackedProject;
beforeAll(async () => {
  project = await packedProject();
}, 300_000);
afterAll(() => project?.remove());

describe('the packed package, used', () => {
  it('works by import, with the names the contract gives', async () => {
    const used = (await project.output('use.mjs')) as Used;
    expect(used.names).toEqual(expect.arrayContaining(PUBLIC_NAMES));
    expect(used.flow).toEqual(FLOW);
  });

  it('works by require, with the same names', async () => {
    const [required, imported] = (await Promise.all([project.output('use.cjs'), project.output('use.mjs')])) as Used[];
    expect(required).toEqual(imported);
  });

  it.each([
    ['CommonJS', 'commonjs'],
    ['ESM', 'module'],
  ])('compiles in a strict TypeScript %s project, library types checked too, and runs', async (_format, type) => {
    await compile(project, `typescript-${type}`, type);
    expect(await project.output(`typescript-${type}/consumer.js`)).toEqual({
      seen: ['miss', 'hit'],
      doubled: 42,
      wrapped: 'hello',
      code: 'ERR_OPTION',
      rest: ['function', 'function', 'function', 'function'],
    });
  });

  it('compiles against the types of Express 4', async () => {
    const paths = {
      express: ['../node_modules/express4-types'],
      'express-serve-static-core': ['../node_modules/express4-core-types'],
    };
    await compile(project, 'typescript-express4', 'module', { noEmit: true, skipLibCheck: true, paths });
  });
});

describe('the packed package, looked at', () => {
  it('has types that match its code in every way of resolving them (attw)', async () => {
    await tool('@arethetypeswrong/cli/dist/index.js', project.tarball);
  });

  it('has a manifest that tools agree with (publint)', async () => {
    await tool('publint/src/cli.js', 'run', project.tarball, '--strict');
  });

  it('holds the built code, its types and its papers, and nothing else', () => {
    const files = publishedFiles(project);
    const expected =
      /^(dist\/.+\.(js|cjs|d\.ts|d\.cts)|dist\/ops\/.+\.(json|ya?ml)|package\.json|(README|CHANGELOG|SECURITY)\.md|LICENSE)$/;
    expect(files.filter((file) => !expected.test(file))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'package.json']),
    );
    for (const entry of ['index', 'testing/index']) {
      expect(files).toEqual(
        expect.arrayContaining(['js', 'cjs', 'd.ts', 'd.cts'].map((end) => `dist/${entry}.${end}`)),
      );
    }
    const twins = files.filter((file) => file.endsWith('.d.ts')).map((file) => file.replace(/\.ts$/, '.cts'));
    expect(files.filter((file) => file.endsWith('.d.cts'))).toEqual(twins);
  });

  it('asks at run time for nothing but its dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(project.installed, 'package.json'), 'utf8'));
    const code = publishedFiles(project).filter((file) => /\.c?js$/.test(file));
    const asked = code.flatMap((file) => {
      const text = readFileSync(join(project.installed, file), 'utf8');
      return [...text.matchAll(/(?:\bfrom |^import |\bimport\(|\brequire\(|\bload(?:\$\d+)?\()"([^"./][^"]*)"/gm)].map(
        ([, name]) => name as string,
      );
    });
    expect(asked).toContain('express-rate-limit');
    expect([...new Set(asked)].filter((name) => !isBuiltin(name) && !(name in dependencies))).toEqual([]);
  });

  it('names no path of the machine that built it, and stays below a megabyte', () => {
    const files = publishedFiles(project).map((file) => join(project.installed, file));
    const home = join(import.meta.dirname, '../..');
    expect(files.filter((file) => readFileSync(file, 'utf8').includes(home))).toEqual([]);
    expect(statSync(project.tarball).size).toBeLessThan(1024 * 1024);
  });

  it('installs no dependency that asks for a newer Node.js than it does itself', () => {
    const lock = JSON.parse(readFileSync(join(project.folder, 'package-lock.json'), 'utf8'));
    const packages = Object.entries(lock.packages as Record<string, { engines?: { node?: string } }>);
    const newer = packages.filter(([, { engines }]) =>
      /^(>=|\^|~)?\s*(2[1-9]|[3-9]\d)[\d.x]*$/.test(engines?.node ?? ''),
    );
    expect(newer.map(([name]) => name)).toEqual([]);
  });
});

describe('start of the process', () => {
  it.each(['loaded.cjs', 'loaded.mjs'])('loads no package before it is used (%s)', async (consumer) => {
    const loaded = (await project.output(consumer)) as string[];
    const early = NOT_BEFORE_USE.filter((name) => loaded.some((file) => file.includes(`/node_modules/${name}/`)));
    expect(early).toEqual([]);
  });

  it.each(['js', 'cjs'])('loads no admin page before it is used (.%s)', (extension) => {
    const files = [...staticallyReached(join(project.installed, `dist/index.${extension}`))];
    expect(files.length).toBeGreaterThan(0);
    // The bundler names the source of each piece; the page's markup, style and script stand under admin/page/.
    const early = files.flatMap((file) => readFileSync(file, 'utf8').match(/lib\/routers\/admin\/page\/\S+/g) ?? []);
    expect(early).toEqual([]);
  });

  it.each(['time-import.mjs', 'time-require.cjs'])(
    'costs less than loading Express does, about 100 ms (%s)',
    async (how) => {
      const best = { warmpath: Number.POSITIVE_INFINITY, express: Number.POSITIVE_INFINITY };
      for (let round = 0; round < 7; round++) {
        for (const name of ['warmpath', 'express'] as const) {
          best[name] = Math.min(best[name], (await project.output(how, name)) as number);
        }
      }
      console.log(`${how}: warmpath ${best.warmpath.toFixed(1)} ms, express ${best.express.toFixed(1)} ms`);
      expect(best.warmpath).toBeLessThan(Math.max(best.express, 100));
    },
  );
});

/** The files of the package that evaluating `entry` evaluates; what only `import()` reaches is left out. */
function staticallyReached(entry: string, seen = new Set<string>()): Set<string> {
  if (seen.has(entry) || !existsSync(entry)) return seen;
  seen.add(entry);
  const text = readFileSync(entry, 'utf8');
  const eager = /^(?:import .*?from |import |export .*?from |(?:const|let|var) \w+ = require\()"(\.[^"]+)"/gm;
  for (const [, specifier] of text.matchAll(eager)) staticallyReached(join(dirname(entry), specifier as string), seen);
  return seen;
}
