import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';
import { type ESTree, type ParseResult, parseSync, Visitor, type VisitorObject } from 'rolldown/utils';

export const root = join(import.meta.dirname, '../..');

export interface Import {
  readonly specifier: string;
  /** The file of `lib/` it names, when it is one of ours. */
  readonly target: string | undefined;
  /** Gone after compilation. */
  readonly typeOnly: boolean;
  /** Evaluated when first needed: `import()` or a `require` made by `createRequire`. */
  readonly lazy: boolean;
}

export interface SourceFile {
  /** Inside `lib/`, with `/`. */
  readonly path: string;
  readonly layer: string;
  readonly text: string;
  readonly program: ESTree.Program;
  readonly comments: ParseResult['comments'];
  readonly imports: readonly Import[];
}

/** Every TypeScript file of `lib/`, parsed. */
export function libraryFiles(): readonly SourceFile[] {
  const lib = join(root, 'lib');
  return filesUnder(lib, (name) => name.endsWith('.ts')).map((file) => {
    const path = relative(lib, file).split(sep).join('/');
    const text = readFileSync(file, 'utf8');
    const { program, comments, errors } = parseSync(file, text, { lang: 'ts' });
    if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
    const layer = path.includes('/') ? (path.split('/')[0] as string) : 'index';
    return { path, layer, text, program, comments, imports: importsOf(path, program) };
  });
}

/** Runs a visitor over a file. */
export function visit(file: SourceFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(file.program);
}

/** `path:line`, for people to click on. */
export function place(file: SourceFile, offset: number): string {
  return `lib/${file.path}:${file.text.slice(0, offset).split('\n').length}`;
}

/** Files under `folder` whose name is accepted; what is installed, built or measured is left out. */
export function filesUnder(folder: string, accepts: (name: string) => boolean): readonly string[] {
  const skipped = new Set(['node_modules', 'dist', 'results', '.git', 'coverage']);
  const found: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !skipped.has(entry.name)) found.push(...filesUnder(path, accepts));
    else if (entry.isFile() && accepts(entry.name)) found.push(path);
  }
  return found.sort();
}

function importsOf(path: string, program: ESTree.Program): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean, lazy: boolean): void => {
    const target = specifier.startsWith('.') ? posix.join(dirname(path), specifier).replace(/\.js$/, '.ts') : undefined;
    found.push({ specifier, target, typeOnly, lazy });
  };
  new Visitor({
    ImportDeclaration: (node) => add(node.source.value, isTypeOnly(node.importKind, node.specifiers), false),
    ExportNamedDeclaration: (node) => {
      if (node.source) add(node.source.value, isTypeOnly(node.exportKind, node.specifiers), false);
    },
    ExportAllDeclaration: (node) => add(node.source.value, node.exportKind === 'type', false),
    ImportExpression: (node) => {
      if (node.source.type === 'Literal') add(String(node.source.value), false, true);
    },
    TSImportType: (node) => add(node.source.value, true, false),
    CallExpression: (node) => {
      const [first] = node.arguments;
      if (node.callee.type !== 'Identifier' || !requires.has(node.callee.name)) return;
      if (first?.type === 'Literal') add(String(first.value), false, true);
    },
    VariableDeclarator: (node) => {
      const made = node.init?.type === 'CallExpression' && node.init.callee;
      const byRequire = made && made.type === 'Identifier' && made.name === 'createRequire';
      if (byRequire && node.id.type === 'Identifier') requires.add(node.id.name);
    },
  }).visit(program);
  return found;
}

// Names that `createRequire` has been bound to, in any file: they are module-level and few.
const requires = new Set(['require']);

type Specifier = ESTree.ImportDeclarationSpecifier | ESTree.ExportSpecifier;

function isTypeOnly(kind: string | null | undefined, specifiers: readonly Specifier[]): boolean {
  if (kind === 'type') return true;
  return specifiers.length > 0 && specifiers.every((one) => kindOf(one) === 'type');
}

function kindOf(specifier: Specifier): string | null | undefined {
  if (specifier.type === 'ImportSpecifier') return specifier.importKind;
  return specifier.type === 'ExportSpecifier' ? specifier.exportKind : 'value';
}
