import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, libraryFiles, place, root, type SourceFile, visit } from './source-files.js';

// A layer may import itself and what stands to its right; nothing calls upward.
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  common: [],
  redis: ['common'],
  store: ['common', 'redis'],
  queue: ['common', 'redis'],
  cache: ['common', 'redis', 'store', 'queue'],
  data: ['common', 'redis', 'store', 'queue', 'cache'],
  quota: ['common', 'redis', 'store'],
  metrics: ['common', 'redis', 'store', 'cache', 'quota'],
  middleware: ['common', 'redis', 'store', 'queue', 'cache', 'data', 'quota', 'metrics'],
  routers: ['common', 'redis', 'store', 'queue', 'cache', 'data', 'quota', 'metrics', 'middleware'],
  testing: ['common'],
  ops: ['metrics'],
  index: ['common', 'redis', 'store', 'cache', 'data', 'quota', 'metrics', 'middleware', 'routers'],
};
const TOUCHES_REQUESTS = ['middleware', 'routers', 'index'];
const LOADED_WHEN_USED = ['ioredis', 'prom-client'];
const RESPONSE_METHODS = ['write', 'end', 'writeHead', 'setHeader', 'removeHeader', 'appendHeader', 'flushHeaders'];
/** Who else may put methods of its own before those of the response: to add fields or to keep it back, never to keep it. */
const ALSO_REPLACES: Readonly<Record<string, readonly string[]>> = {
  'cache-headers-at-head.ts': ['writeHead'],
  'cache-headers-entity-tag.ts': ['end'],
  'response-hold.ts': ['writeHead', 'write', 'end', 'flushHeaders'],
  // Puts there what is there already.
  'request-shape.ts': ['writeHead', 'write', 'end'],
};

const files = libraryFiles();
const imports = files.flatMap((file) => file.imports.map((one) => ({ file, ...one })));
const named = (found: readonly { readonly file: SourceFile; readonly specifier: string }[]): readonly string[] =>
  found.map(({ file, specifier }) => `lib/${file.path} imports ${specifier}`);

describe('layers', () => {
  it('puts every file into a layer', () => {
    expect(files.filter(({ layer }) => !(layer in MAY_IMPORT)).map(({ path }) => path)).toEqual([]);
  });

  it('imports only what exists', () => {
    const paths = new Set(files.map(({ path }) => path));
    expect(named(imports.filter(({ target }) => target !== undefined && !paths.has(target)))).toEqual([]);
  });

  it('imports downward only', () => {
    const upward = imports.filter(({ file, target }) => {
      if (target === undefined) return false;
      const layer = target.includes('/') ? (target.split('/')[0] as string) : 'index';
      return layer !== file.layer && !MAY_IMPORT[file.layer]?.includes(layer);
    });
    expect(named(upward)).toEqual([]);
  });

  it('has no cycle among modules that exist at run time', () => {
    expect(firstCycle(files)).toBeUndefined();
  });
});

describe('who may use what', () => {
  it('uses ioredis at run time in redis/ and testing/ only', () => {
    const elsewhere = imports.filter(
      ({ file, specifier, typeOnly }) =>
        specifier === 'ioredis' && !typeOnly && !['redis', 'testing'].includes(file.layer),
    );
    expect(named(elsewhere)).toEqual([]);
  });

  it('never loads express, and names its types in middlewares and routers only', () => {
    const touching = imports.filter(({ specifier }) => /^express(-serve-static-core)?$/.test(specifier));
    expect(named(touching.filter(({ typeOnly }) => !typeOnly))).toEqual([]);
    expect(named(touching.filter(({ file }) => !TOUCHES_REQUESTS.includes(file.layer)))).toEqual([]);
  });

  it('depends on exactly the packages it uses', () => {
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const outside = imports.filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier));
    const used = new Set(outside.map(({ specifier }) => specifier.match(/^(@[^/]+\/)?[^/]+/)?.[0] as string));
    const declared = [...Object.keys(dependencies), 'express'];
    expect([...used].filter((name) => !declared.includes(name))).toEqual([]);
    expect(declared.filter((name) => !used.has(name))).toEqual([]);
    expect(Object.keys(peerDependencies)).toContain('express');
  });

  it('loads heavy packages when they are first used, so that importing stays cheap', () => {
    const early = imports.filter(
      ({ file, specifier, typeOnly, lazy }) =>
        LOADED_WHEN_USED.includes(specifier) && !typeOnly && !lazy && file.layer !== 'testing',
    );
    expect(named(early)).toEqual([]);
  });

  it('reads the environment inside functions only, never at import', () => {
    expect(files.flatMap((file) => atModuleLevel(file, 'process', 'env'))).toEqual([]);
  });

  it('replaces methods of a response in response-capture.ts only', () => {
    const found = files.flatMap(replacedMethods).filter(({ file, method }) => {
      const name = file.path.split('/').pop() as string;
      return name !== 'response-capture.ts' && !ALSO_REPLACES[name]?.includes(method);
    });
    expect(found.map(({ file, at, method }) => `${place(file, at)} replaces ${method}`)).toEqual([]);
  });

  it('uses import.meta for createRequire only, which both module formats can give', () => {
    const other = files.filter(({ text }) =>
      /import\.meta/.test(text.replaceAll('createRequire(import.meta.url)', '')),
    );
    expect(other.map(({ path }) => path)).toEqual([]);
  });
});

function firstCycle(all: readonly SourceFile[]): string | undefined {
  const byPath = new Map(all.map((file) => [file.path, file]));
  const done = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' -> ');
    if (done.has(path)) return undefined;
    for (const target of targets(byPath.get(path)?.imports ?? [])) {
      const cycle = walk(target, [...trail, path]);
      if (cycle) return cycle;
    }
    done.add(path);
    return undefined;
  };
  return all.map(({ path }) => walk(path, [])).find(Boolean);
}

function targets(list: readonly Import[]): readonly string[] {
  return list.flatMap(({ target, typeOnly }) => (typeOnly ? [] : (target ?? [])));
}

/** `object.property` outside every function body and parameter list. */
function atModuleLevel(file: SourceFile, object: string, property: string): readonly string[] {
  let depth = 0;
  const found: string[] = [];
  const enter = (): void => void depth++;
  const leave = (): void => void depth--;
  visit(file, {
    FunctionDeclaration: enter,
    'FunctionDeclaration:exit': leave,
    FunctionExpression: enter,
    'FunctionExpression:exit': leave,
    ArrowFunctionExpression: enter,
    'ArrowFunctionExpression:exit': leave,
    MemberExpression: (node) => {
      const isIt = node.object.type === 'Identifier' && node.object.name === object;
      const names = node.property.type === 'Identifier' && node.property.name === property;
      if (depth === 0 && isIt && names) found.push(place(file, node.start));
    },
  });
  return found;
}

function replacedMethods(file: SourceFile): readonly { file: SourceFile; at: number; method: string }[] {
  const found: { file: SourceFile; at: number; method: string }[] = [];
  visit(file, {
    AssignmentExpression: ({ left, start }) => {
      if (left.type !== 'MemberExpression' || left.property.type !== 'Identifier') return;
      const { name } = left.property;
      const ofThis = left.object.type === 'ThisExpression';
      if (!ofThis && RESPONSE_METHODS.includes(name)) found.push({ file, at: start, method: name });
    },
  });
  return found;
}
