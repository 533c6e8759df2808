import { availableParallelism, loadavg } from 'node:os';
import { type Figures, LONG, play, type Scenario } from './support/scenario.js';
import { absences, foreign, losses, refusals } from './support/server-scenarios.js';
import { topologies } from './support/topology-scenarios.js';

// npm run faults [-- B3 B8 …]: every fault under 200 requests/s from a client, one table.
const all: readonly Scenario[] = [...absences, ...refusals, ...foreign, ...topologies, ...losses];
const wanted = process.argv.slice(2);
const chosen =
  wanted.length === 0 ? all : all.filter(({ row }) => row.split(' ').some((name) => wanted.includes(name)));

const ms = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(value < 10 ? 1 : 0)} ms`);

// The table is Markdown, to be pasted as it is; what was wrong follows it.
const COLUMNS = [
  'row',
  'fault',
  'requests',
  'not 2xx',
  'stale',
  'wrong',
  'added at first',
  'added after',
  'back after',
];
console.log(
  `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)} at the start\n`,
);
console.log(`| ${COLUMNS.join(' | ')} |\n|---|---|${'---:|'.repeat(COLUMNS.length - 2)}`);
const notes: string[] = [];
// Beyond it a row says more of the machine than of the package.
const BUSY_MS = 50;
let broken = 0;
for (const scenario of chosen) {
  try {
    const figures = await play(scenario, LONG);
    print(figures);
    broken += isKept(figures) ? 0 : 1;
  } catch (error) {
    broken += 1;
    notes.push(
      `${scenario.row} ${scenario.title}: could not be played: ${error instanceof Error ? error.message : error}`,
    );
  }
}
for (const note of notes) console.log(note === notes[0] ? `\n${note}` : note);
console.log(broken === 0 ? '\nEvery promise was kept.' : `\n${broken} of ${chosen.length} broke a promise.`);
process.exit(broken === 0 ? 0 : 1);

function print(figures: Figures): void {
  const { row, title, requests, failed, stale, wrong, addedEarlyMs, addedMs, plainMs, recoverMs, waitedFor } = figures;
  const cells = [row, title, requests, failed.length, stale.length, wrong.length];
  console.log(`| ${[...cells, ms(addedEarlyMs), ms(addedMs), ms(recoverMs)].join(' | ')} |`);
  if (plainMs > BUSY_MS) notes.push(`${row} ${title}: a busy machine: without a cache the p99 was ${ms(plainMs)}`);
  if (recoverMs > 2000) notes.push(`${row} ${title}: waited for ${waitedFor}`);
  for (const line of [...failed, ...stale, ...wrong].slice(0, 5)) notes.push(`${row} ${title}: ${line}`);
}

// What must hold on any machine; latency is printed, as it depends on the machine.
function isKept({ failed, stale, wrong, recoverMs }: Figures): boolean {
  return failed.length + stale.length + wrong.length === 0 && recoverMs <= 2500;
}
