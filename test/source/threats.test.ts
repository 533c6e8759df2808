import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';
import { describe, expect, it } from 'vitest';
import { filesUnder, root } from './source-files.js';
import { THREATS } from './threats.js';

const NAME = /\b(?:A[1-6]\.\d+|B\d+)\b/g;
// What a suite plays row by row is named in its scenarios.
const TITLED = /\.test\.ts$|-scenarios\.ts$/;

/** The titles of the tests that name a row, and where they are, by row. */
function titlesByRow(): ReadonlyMap<string, readonly string[]> {
  const titles = new Map<string, string[]>();
  for (const file of filesUnder(join(root, 'test'), (name) => TITLED.test(name) && name !== 'threats.test.ts')) {
    const note = (text: string): void => {
      for (const [row] of text.matchAll(NAME)) {
        titles.set(row, [...(titles.get(row) ?? []), `${relative(root, file)}: ${text}`]);
      }
    };
    new Visitor({
      Literal: ({ value }) => {
        if (typeof value === 'string') note(value);
      },
      TemplateElement: ({ value }) => note(value.raw),
    }).visit(parseSync(file, readFileSync(file, 'utf8'), { lang: 'ts' }).program);
  }
  return titles;
}

describe('the tests of attacks and faults', () => {
  const titles = titlesByRow();

  it.each(Object.entries(THREATS))('name %s: %s', (row) => {
    expect(titles.get(row) ?? []).not.toEqual([]);
  });

  it('name no row that is not in the list', () => {
    expect([...titles.keys()].filter((row) => !(row in THREATS))).toEqual([]);
  });
});
