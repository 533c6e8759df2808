import { flood, type HotFigures, hotKey, slowReaders, streams } from './load-runs.js';

// npm run load: the full figures. Needs some 20,000 file descriptors (ulimit -n).
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const line = (what: string, { requests, failed, p50Ms, p99Ms, lagMs, runs }: HotFigures): void =>
  console.log(
    `  ${what}: ${requests} requests, ${failed} failed, ${runs} runs of the handler, p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, event loop p99 ${lagMs.toFixed(0)} ms`,
  );

const connections = Number(process.env.CONNECTIONS ?? 10_000);
const hot = await hotKey(connections, 3, 5);
for (const [how, { plain, up, hung }] of [
  ['all at once', hot.volley],
  ['1,000 requests/s in turn', hot.paced],
] as const) {
  console.log(`${connections} keep-alive connections, ${how}:`);
  line('without a cache', plain);
  line('cached, Redis up', up);
  line('cached, Redis hung', hung);
  const ratio = (one: HotFigures): string => (one.lagMs / plain.lagMs).toFixed(2);
  console.log(`  event loop delay against the app without a cache: ${ratio(up)} up, ${ratio(hung)} hung`);
}

const small = await flood(100_000, '32mb', ['--max-old-space-size=64']);
console.log(
  `${small.urls} distinct URLs of 10 kB on a heap of 64 MB, limit 32 MB: ${small.failed} failed, resident ${mb(small.earlyRss)} after a tenth, ${mb(small.peak)} at most, ${small.entries} entries in ${mb(small.bytes)}, hot key kept: ${small.isHotKept}`,
);

const flooded = await flood(Number(process.env.URLS ?? 1_000_000), '64mb');
console.log(
  `${flooded.urls} distinct URLs of 10 kB, limit 64 MB: ${flooded.failed} failed, resident ${mb(flooded.earlyRss)} after a tenth, ${mb(flooded.peak)} at most, ${flooded.entries} entries in ${mb(flooded.bytes)}, hot key kept: ${flooded.isHotKept}`,
);

const slow = await slowReaders(1000);
console.log(
  `${slow.readers} slow readers of one stored megabyte: buffers +${mb(slow.addedBuffers)}, resident +${mb(slow.addedBytes)}`,
);

const streamed = await streams(50, 300);
console.log(
  `50 streams of 300 MB, limit 1 MB: ${mb(streamed.received)} received, resident ${mb(streamed.before)} before, ${mb(streamed.peak)} at most`,
);
