import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { filesUnder, libraryFiles, root, type SourceFile, visit } from './source-files.js';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const readme = read('README.md');
const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};

const ours = /\.(ts|mjs|cjs|js|json|md|ya?ml|lua|html|css|sh)$|^run$/;
const texts = filesUnder(root, (name) => ours.test(name) && name !== 'package-lock.json').map((file) => ({
  path: relative(root, file),
  text: readFileSync(file, 'utf8'),
}));

describe('what is committed', () => {
  it('locks versions and digests, and no address to fetch them from', () => {
    const lock = read('package-lock.json');
    expect(lock).not.toMatch(/"resolved"/);
    expect(lock).not.toMatch(/https?:\/\/[^"]*registry/);
    expect(JSON.parse(lock).lockfileVersion).toBeGreaterThanOrEqual(3);
  });

  it('names no registry: whoever installs decides where from', () => {
    expect(matches(/https?:\/\/registry\b/)).toEqual([]);
  });

  it('names no path of a machine', () => {
    const local = /(^|[\s'"`(=:])\/(root|home|work|Users)\/[\w.-]+/m;
    expect(matches(local)).toEqual([]);
  });

  it('leaves nothing for later in its code', () => {
    expect(matches(new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`))).toEqual([]);
  });

  it('runs every test: none is skipped, singled out or only announced', () => {
    const marked =
      /\b(it|test|describe|suite)(\.\w+)*\.(skip|only|todo|skipIf|runIf|fails)\b|\b(xit|fit|xdescribe|fdescribe)\(/;
    const found = texts.filter(({ path, text }) => /\.test\.ts$|contracts\//.test(path) && marked.test(text));
    expect(found.map(({ path }) => path).filter((path) => !path.endsWith('hygiene.test.ts'))).toEqual([]);
  });
});

describe('what is installed with the package', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dependencies?: Record<string, string>; hasInstallScript?: boolean }>;
  };
  const installed = dependenciesOf(packages);

  it('is counted: eight packages, and at most 31 with all they need', () => {
    expect(Object.keys(manifest.dependencies)).toHaveLength(8);
    expect(installed.length).toBeLessThanOrEqual(31);
    expect(readme).toContain('Eight packages');
  });

  it('runs nothing while it is installed', () => {
    expect(installed.filter((path) => packages[path]?.hasInstallScript)).toEqual([]);
    const own = Object.keys(manifest.scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name));
    expect(own).toEqual([]);
  });
});

describe('what the README says', () => {
  it('gives a reason for every dependency', () => {
    const names = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];
    expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it('has an entry for every error code', () => {
    const foreign = /^ERR_(HTTP|STREAM|INVALID|MODULE|SOCKET)_/; // Node's own
    const codes = libraryFiles().flatMap(({ text }) => [...text.matchAll(/'(ERR_[A-Z_]+)'/g)].map(([, code]) => code));
    const declared = [...new Set(codes as string[])].filter((code) => !foreign.test(code));
    expect(declared.length).toBeGreaterThan(0);
    expect(declared.filter((code) => !new RegExp(`^(\\||#+) *\`${code}\``, 'm').test(readme))).toEqual([]);
  });

  it('names every option the code accepts', () => {
    const options = acceptedOptions();
    expect(options.length).toBeGreaterThan(0);
    const code = [...readme.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].join('\n');
    const missing = options.filter(({ option }) => !new RegExp(`\\b${option}\\b`).test(code));
    expect(missing.map(({ owner, option }) => `${owner}: ${option}`)).toEqual([]);
  });

  it('names everything the package exports to be called', () => {
    const index = libraryFiles().find(({ path }) => path === 'index.ts') as SourceFile;
    const names: string[] = [];
    visit(index, {
      ExportSpecifier: ({ exportKind, exported }) => {
        if (exportKind !== 'type' && exported.type === 'Identifier') names.push(exported.name);
      },
    });
    const callable = names.filter((name) => /^[a-z]/.test(name));
    expect(callable.length).toBeGreaterThan(10);
    expect(callable.filter((name) => !new RegExp(`\`[^\`\\n]*\\b${name}\\b`).test(readme))).toEqual([]);
  });

  it('shows the quick start as it stands in the example, where a test runs it', () => {
    const code = read('example-app/quick-start.ts').replace("'./warmpath.js'", "'warmpath'").trim();
    expect(readme).toContain(`\`\`\`ts\n${code}\n\`\`\``);
  });

  it('names only scripts that exist', () => {
    const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map(([, script]) => script as string);
    expect(named.filter((script) => !(script in manifest.scripts))).toEqual([]);
  });

  it('points only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, path]) => path as string);
    expect(links.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  it('points only to headings that exist', () => {
    const slugs = new Set([...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading as string)));
    const links = [...readme.matchAll(/\]\(#([^)\s]+)\)/g)].map(([, anchor]) => anchor as string);
    expect(links.filter((anchor) => !slugs.has(anchor))).toEqual([]);
  });
});

/** Where a lock file puts what the package needs at run time, the peers of nobody included. */
function dependenciesOf(packages: Record<string, { dependencies?: Record<string, string> }>): readonly string[] {
  const found = new Set<string>();
  const visitAll = (from: string): void => {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const path = nearestInstalled(packages, from, name);
      if (path === undefined || found.has(path)) continue;
      found.add(path);
      visitAll(path);
    }
  };
  visitAll('');
  return [...found];
}

/** As Node.js resolves a name: in the package itself, then in each folder above. */
function nearestInstalled(packages: Record<string, unknown>, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (path in packages) return path;
    if (folder === '') return undefined;
  }
}

function matches(pattern: RegExp): readonly string[] {
  return texts.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '');
  return plain.trim().replace(/\s/g, '-');
}

/** Every word that a `checkKnownKeys(owner, options, [...])` of the library lets through. */
function acceptedOptions(): readonly { readonly owner: string; readonly option: string }[] {
  return libraryFiles().flatMap((file) => {
    const lists = new Map<string, readonly string[]>();
    const found: { owner: string; option: string }[] = [];
    visit(file, {
      VariableDeclarator: ({ id, init }) => {
        if (id.type === 'Identifier' && init) lists.set(id.name, words(init));
      },
    });
    visit(file, {
      CallExpression: ({ callee, arguments: [owner, , known] }) => {
        if (callee.type !== 'Identifier' || callee.name !== 'checkKnownKeys' || !known) return;
        const name = owner?.type === 'Literal' ? String(owner.value) : file.path;
        const list = known.type === 'Identifier' ? (lists.get(known.name) ?? []) : words(known);
        found.push(...list.map((option) => ({ owner: name, option })));
      },
    });
    return found;
  });
}

interface Node {
  readonly type: string;
}

/** The texts of an array written out, through `as const`, `satisfies` and `Object.freeze(…)`. */
function words(node: Node): readonly string[] {
  if (node.type === 'TSAsExpression' || node.type === 'TSSatisfiesExpression') {
    return words((node as Node & { expression: Node }).expression);
  }
  if (node.type === 'CallExpression') return (node as Node & { arguments: Node[] }).arguments.flatMap(words);
  if (node.type !== 'ArrayExpression') return [];
  const { elements } = node as Node & { elements: (Node | null)[] };
  return elements.flatMap((element) =>
    element?.type === 'Literal' ? [String((element as Node & { value: unknown }).value)] : [],
  );
}
