import { MAX_GROWTH_BYTES, soak } from './soak.js';

// npm run soak [-- --seconds 60]
const at = process.argv.indexOf('--seconds');
const seconds = at < 0 ? 20 * 60 : Number(process.argv[at + 1]);
if (!(seconds > 0)) throw new Error('--seconds takes a number');

const report = await soak({ seconds, log: (line) => console.log(line) });
const { requests, writes, faults, slowestReturnMs, failed, stale, wrong, staleWhileOwed, outages, heaps, growth } =
  report;
const mb = (bytes = 0): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;
console.log(`\n${requests} requests, ${writes} of them writes, over ${seconds} s; faults: ${JSON.stringify(faults)}`);
console.log(
  `failed ${failed.length}, stale beyond the bound ${stale.length}, wrong bytes or another's ${wrong.length}`,
);
console.log(
  `instances lost Redis ${outages} times; ${staleWhileOwed} answers lacked a write that an instance without it could not tell or hear of`,
);
console.log(`full service after a fault within ${(slowestReturnMs / 1000).toFixed(1)} s`);
for (const line of [...failed, ...stale, ...wrong].slice(0, 20)) console.log(`  ${line}`);
for (const [i, heap] of heaps.entries()) {
  const [first, last] = [heap.at(0), heap.at(-1)];
  console.log(
    `heap of instance ${i} after collection: ${mb(first)} at first, ${mb(last)} at last, ${mb(Math.max(...heap))} at most; ${mb(growth[i])} more over the second half`,
  );
}
const grown = growth.filter((bytes) => bytes > MAX_GROWTH_BYTES).length;
process.exit(failed.length + stale.length + wrong.length + grown === 0 ? 0 : 1);
