import { readFile, writeFile } from 'node:fs/promises';
import { notPassed, type Score, scoreOf, type Verdict } from './score.js';
import { CASES, type RawResult } from './suite.js';

/** Figures of other caches for the same cases: the suite's site, and runs of the packages named. */
const OTHERS: readonly (readonly [name: string, required: number, optimal: number])[] = [
  ['Apache Traffic Server', 125, 65],
  ['undici', 125, 59],
  ['Varnish', 106, 40],
  ['nginx', 93, 50],
  ['apicache', 4, 39],
];

/** One run, judged. */
export interface Run {
  readonly name: string;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly results: ReadonlyMap<string, RawResult>;
}

/** The figures as a Markdown table, ours first. */
export function figuresTable(runs: readonly Run[]): string {
  const total = (kind: 'required' | 'optimal') => scoreOf(kind, CASES, new Map()).total;
  const rows = runs.map(({ name, verdicts }) => {
    const [required, optimal, check] = (['required', 'optimal', 'check'] as const).map((kind) =>
      scoreOf(kind, CASES, verdicts),
    ) as [Score, Score, Score];
    return `| **${name}** | **${required.passed}** | **${optimal.passed}** | ${check.passed} of ${check.total} yes |`;
  });
  const others = OTHERS.map(([name, required, optimal]) => `| ${name} | ${required} | ${optimal} | |`);
  const head = `| cache | required (of ${total('required')}) | optimal (of ${total('optimal')}) | behaviour checks |`;
  return [head, '|---|---|---|---|', ...rows, ...others].join('\n');
}

/** One line per required or optimal case that did not pass, with what the suite said. */
export function failureList({ verdicts, results }: Run): string {
  return notPassed(CASES, verdicts)
    .map(({ id, kind }) => {
      const result = results.get(id);
      const said = Array.isArray(result) ? result.join(': ') : '';
      return `  ${kind.padEnd(8)} ${id} [${verdicts.get(id)}] ${said}`;
    })
    .join('\n');
}

const BEGIN = '<!-- conformance:begin -->';
const END = '<!-- conformance:end -->';

/** Puts the table between its markers in the README; false when the file has no such place. */
export async function writeTable(readme: URL, table: string): Promise<boolean> {
  const text = await readFile(readme, 'utf8').catch(() => '');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin === -1 || end < begin) return false;
  const next = `${text.slice(0, begin + BEGIN.length)}\n${table}\n${text.slice(end)}`;
  if (next !== text) await writeFile(readme, next);
  return true;
}
