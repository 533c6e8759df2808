import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { libraryFiles, place, type SourceFile, visit } from './source-files.js';

const files = libraryFiles();
const everywhere = (find: (file: SourceFile, report: (at: number) => void) => void): readonly string[] =>
  files.flatMap((file) => {
    const found: string[] = [];
    find(file, (at) => found.push(place(file, at)));
    return found;
  });

describe('house style', () => {
  it('has no any', () => {
    expect(everywhere((file, report) => visit(file, { TSAnyKeyword: ({ start }) => report(start) }))).toEqual([]);
  });

  it('asserts nothing to be non-null', () => {
    expect(everywhere((file, report) => visit(file, { TSNonNullExpression: ({ start }) => report(start) }))).toEqual(
      [],
    );
  });

  it('exports by name only', () => {
    const found = everywhere((file, report) => visit(file, { ExportDefaultDeclaration: ({ start }) => report(start) }));
    expect(found).toEqual([]);
  });

  it('has no empty catch: where failing is fine, the catch says why', () => {
    const found = everywhere((file, report) =>
      visit(file, {
        CatchClause: ({ body }) => {
          const said = file.comments.some(({ start, end }) => start > body.start && end <= body.end);
          if (body.body.length === 0 && !said) report(body.start);
        },
      }),
    );
    expect(found).toEqual([]);
  });

  it('says with every exported declaration what it promises', () => {
    expect(everywhere(undocumentedExports)).toEqual([]);
  });

  it('names files after one idea, in kebab-case', () => {
    const vague = /^(utils?|helpers?|types?|misc|common|shared)\.ts$/;
    const wrong = files.filter(
      ({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path)) || vague.test(basename(path)),
    );
    expect(wrong.map(({ path }) => path)).toEqual([]);
  });

  it('keeps files short enough to be read in one go', () => {
    const lengths = files
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .sort((a, b) => b.lines - a.lines);
    const smells = lengths.filter(({ lines }) => lines > 200);
    if (smells.length > 0)
      console.log(`Longer than 200 lines:\n${smells.map(({ path, lines }) => `  ${lines} ${path}`).join('\n')}`);
    expect(lengths.filter(({ lines }) => lines > 500)).toEqual([]);
  });
});

/** Exported declarations without a doc comment right before them. What is only passed on is documented where it is made. */
function undocumentedExports(file: SourceFile, report: (at: number) => void): void {
  const docEnds = file.comments
    .filter(({ type, value }) => type === 'Block' && value.startsWith('*'))
    .map(({ end }) => end);
  let overloaded: string | undefined;
  for (const node of file.program.body) {
    if (node.type !== 'ExportNamedDeclaration' || !node.declaration) continue;
    const { declaration } = node;
    const name = 'id' in declaration && declaration.id && 'name' in declaration.id ? declaration.id.name : undefined;
    const documented = docEnds.some((end) => end <= node.start && isSpace(file, end, node.start));
    // The signatures of one function share the comment of the first.
    if (!documented && !(name !== undefined && name === overloaded)) report(node.start);
    overloaded = name;
  }
}

/** Nothing but space and line comments (a note to the linter) between two places. */
function isSpace(file: SourceFile, from: number, to: number): boolean {
  return (
    file.text
      .slice(from, to)
      .replace(/\/\/.*$/gm, '')
      .trim() === ''
  );
}
