import { flood, type HotFigures, hotKey, slowReaders, streams } from './load-runs.js';

// npm run load: the full figures. Needs some 20,000 file descriptors (ulimit -n).
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const line = (state: string, { connections, failed, p50Ms, p99Ms, lagMs, runs }: HotFigures): void =>
  console.log(
    `${connections} connections, Redis ${state}: ${failed} failed, ${runs} runs of the handler, p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, event loop p99 ${lagMs.toFixed(0)} ms`,
  );

const { up, hung } = await hotKey(Number(process.env.CONNECTIONS ?? 10_000), 3);
line('up', up);
line('hung', hung);

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
