import { flood, type HotFigures, hotKey, slowReaders, streams } from './load-runs.js';

// npm run load [-- hot small flood slow streams]: the full figures, or some. Needs some 20,000 file descriptors (ulimit -n).
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const line = (what: string, { requests, failed, p50Ms, p99Ms, lagMs, runs }: HotFigures): void =>
  console.log(
    `  ${what}: ${requests} requests, ${failed} failed, ${runs} runs of the handler, p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms, event loop p99 ${lagMs.toFixed(0)} ms`,
  );

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  async hot() {
    const connections = Number(process.env.CONNECTIONS ?? 10_000);
    const { volley, paced } = await hotKey(connections, 3, 5);
    for (const [how, { plain, up, hung }] of [
      ['all at once', volley],
      ['1,000 requests/s in turn', paced],
    ] as const) {
      console.log(`${connections} keep-alive connections, ${how}:`);
      line('without a cache', plain);
      line('cached, Redis up', up);
      line('cached, Redis hung', hung);
      const ratio = (one: HotFigures): string => (one.lagMs / plain.lagMs).toFixed(2);
      console.log(`  event loop delay against the app without a cache: ${ratio(up)} up, ${ratio(hung)} hung`);
    }
  },
  small: () => flooded(Math.min(URLS, 100_000), '32mb', ['--max-old-space-size=64']),
  flood: () => flooded(URLS, '64mb', []),
  async slow() {
    const { readers, addedBuffers, addedBytes } = await slowReaders(1000);
    console.log(
      `${readers} slow readers of one stored megabyte: buffers +${mb(addedBuffers)}, resident +${mb(addedBytes)}`,
    );
  },
  async streams() {
    const { received, before, peak } = await streams(50, 300);
    console.log(
      `50 streams of 300 MB, limit 1 MB: ${mb(received)} received, resident ${mb(before)} before, ${mb(peak)} at most`,
    );
  },
};

const URLS = Number(process.env.URLS ?? 1_000_000);
const wanted = process.argv.slice(2);
for (const [name, run] of Object.entries(PARTS)) if (wanted.length === 0 || wanted.includes(name)) await run();

async function flooded(urls: number, limit: string, nodeArgs: readonly string[]): Promise<void> {
  const { failed, earlyRss, peak, entries, bytes, isHotKept } = await flood(urls, limit, nodeArgs);
  console.log(
    `${urls} distinct URLs of 10 kB, limit ${limit}${nodeArgs.map((arg) => `, ${arg}`).join('')}: ${failed} failed, resident ${mb(earlyRss)} after a tenth, ${mb(peak)} at most, ${entries} entries in ${mb(bytes)}, hot key kept: ${isHotKept}`,
  );
}
