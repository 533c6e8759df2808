import { soak } from './soak.js';

// npm run soak [-- --seconds 60]
const at = process.argv.indexOf('--seconds');
const seconds = at < 0 ? 20 * 60 : Number(process.argv[at + 1]);
if (!(seconds > 0)) throw new Error('--seconds takes a number');

const report = await soak({ seconds, log: (line) => console.log(line) });
const { requests, writes, faults, failed, stale, wrong, heaps } = report;
const mb = (bytes = 0): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
console.log(`\n${requests} requests, ${writes} of them writes, over ${seconds} s; faults: ${JSON.stringify(faults)}`);
console.log(
  `failed ${failed.length}, stale beyond the bound ${stale.length}, wrong bytes or another's ${wrong.length}`,
);
for (const line of [...failed, ...stale, ...wrong].slice(0, 20)) console.log(`  ${line}`);
for (const [i, heap] of heaps.entries()) {
  const half = Math.floor(heap.length / 2);
  const least = (part: readonly number[]): number => Math.min(...part);
  console.log(
    `heap of instance ${i}: least ${mb(least(heap.slice(0, half)))} in the first half, ${mb(least(heap.slice(half)))} in the second`,
  );
}
process.exit(failed.length + stale.length + wrong.length === 0 ? 0 : 1);
