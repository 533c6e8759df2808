import { failureList, figuresTable, type Run, writeTable } from './report.js';
import { judge } from './score.js';
import { createSubject, type SubjectName } from './subjects.js';
import { CASES, runSuite } from './suite.js';

// npm run conformance [-- --subject=none] [-- --case=<id>,<id>]

const flags = new Map(process.argv.slice(2).map((flag) => flag.replace(/^--/, '').split('=') as [string, string]));
const names = (flags.get('subject')?.split(',') ?? ['warmpath', 'warmpath-heuristic']) as SubjectName[];
const only = flags.get('case')?.split(',');

const runs: Run[] = [];
for (const subjectName of names) {
  const subject = await createSubject(subjectName);
  const results = await runSuite(subject.layer, only);
  await subject.close();
  runs.push({ name: subject.name, results, verdicts: judge(CASES, results) });
}

if (only) {
  for (const { name, results } of runs) for (const [id, result] of results) console.log(name, id, result);
} else {
  for (const run of runs) console.log(`\nNot passed by ${run.name}:\n${failureList(run)}`);
  const table = figuresTable(runs);
  console.log(`\n${table}\n`);
  const isWhole = !flags.has('subject');
  if (isWhole && (await writeTable(new URL('../../README.md', import.meta.url), table))) {
    console.log('README: table of section "Standards" written.');
  }
}
