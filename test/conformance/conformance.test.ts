import { describe, expect, it } from 'vitest';
import { KNOWN_FAILURES } from './known-failures.js';
import { judge, notPassed, scoreOf, type Verdict } from './score.js';
import { createSubject, type SubjectName } from './subjects.js';
import { CASES, type RawResult, runSuite } from './suite.js';

/** Runs the suite; what fails unexpectedly gets a second chance by itself, since the suite gives answers two seconds. */
async function verdictsOf(name: SubjectName, expected: (id: string) => boolean): Promise<ReadonlyMap<string, Verdict>> {
  const subject = await createSubject(name);
  try {
    const results = new Map<string, RawResult>(await runSuite(subject.layer));
    const again = notPassed(CASES, judge(CASES, results))
      .map(({ id }) => id)
      .filter((id) => !expected(id));
    if (again.length === 0) return judge(CASES, results);
    // Said aloud: a case that is here again and again is a race of ours, not a busy machine.
    for (const id of again) console.warn(`second chance for ${id}: ${JSON.stringify(results.get(id))}`);
    for (const [id, result] of await runSuite(subject.layer, again)) results.set(id, result);
    return judge(CASES, results);
  } finally {
    await subject.close();
  }
}

const failedIds = (verdicts: ReadonlyMap<string, Verdict>) => notPassed(CASES, verdicts).map(({ id }) => id);

describe('http-cache-tests', () => {
  it('has the cases that the published figures count', () => {
    expect(scoreOf('required', CASES, new Map()).total).toBe(157);
    expect(scoreOf('optimal', CASES, new Map()).total).toBe(86);
  });

  it('passes all but the known cases with heuristicFreshness', { timeout: 120_000 }, async () => {
    const verdicts = await verdictsOf('warmpath-heuristic', (id) => KNOWN_FAILURES.has(id));
    expect(failedIds(verdicts).sort()).toEqual([...KNOWN_FAILURES.keys()].sort());
    expect(scoreOf('required', CASES, verdicts).passed).toBeGreaterThanOrEqual(148);
    expect(scoreOf('optimal', CASES, verdicts).passed).toBeGreaterThanOrEqual(77);
  });

  it('fails no more without it than the cases that ask for a guess', { timeout: 120_000 }, async () => {
    const isExpected = (id: string) => KNOWN_FAILURES.has(id) || /^heuristic-\d+-cached$/.test(id);
    const verdicts = await verdictsOf('warmpath', isExpected);
    expect(failedIds(verdicts).filter((id) => !isExpected(id))).toEqual([]);
  });
});
