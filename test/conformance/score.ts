import type { RawResult, SuiteCase } from './suite.js';

/** Outcome of a case as the suite's site shows it. A `check` has no right answer: it is `yes` or `no`. */
export type Verdict = 'pass' | 'fail' | 'yes' | 'no' | 'setup-failed' | 'dependency-failed';

/** Judges every case the way the site does: one whose dependency did not pass does not pass either. */
export function judge(cases: readonly SuiteCase[], results: ReadonlyMap<string, RawResult>): Map<string, Verdict> {
  const byId = new Map(cases.map((entry) => [entry.id, entry]));
  const verdicts = new Map<string, Verdict>();
  const verdictOf = (id: string): Verdict => {
    const known = verdicts.get(id);
    if (known) return known;
    const entry = byId.get(id);
    const dependenciesHold = entry?.dependsOn.every((dependency) => ['pass', 'yes'].includes(verdictOf(dependency)));
    const verdict = dependenciesHold ? ownVerdict(entry, results.get(id)) : 'dependency-failed';
    verdicts.set(id, verdict);
    return verdict;
  };
  for (const { id } of cases) verdictOf(id);
  return verdicts;
}

function ownVerdict(entry: SuiteCase | undefined, result: RawResult | undefined): Verdict {
  const isCheck = entry?.kind === 'check';
  if (result === true) return isCheck ? 'yes' : 'pass';
  if (result?.[0] === 'Setup') return 'setup-failed';
  return isCheck ? 'no' : 'fail';
}

/** How many cases of a kind there are, and how many passed (for checks: answered yes). */
export interface Score {
  readonly passed: number;
  readonly total: number;
}

/** The score of one kind of case. */
export function scoreOf(
  kind: SuiteCase['kind'],
  cases: readonly SuiteCase[],
  verdicts: ReadonlyMap<string, Verdict>,
): Score {
  const ofKind = cases.filter((entry) => entry.kind === kind);
  const passed = ofKind.filter(({ id }) => ['pass', 'yes'].includes(verdicts.get(id) ?? 'fail'));
  return { passed: passed.length, total: ofKind.length };
}

/** Required and optimal cases that did not pass, in the suite's order. */
export function notPassed(cases: readonly SuiteCase[], verdicts: ReadonlyMap<string, Verdict>): readonly SuiteCase[] {
  return cases.filter(({ id, kind }) => kind !== 'check' && verdicts.get(id) !== 'pass');
}
