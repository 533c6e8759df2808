import { flood } from './flood.js';
import { type HotFigures, hotKey, MAX_LAG_MS, saysSomething } from './hot-key.js';
import { slowReaders, streams } from './large-bodies.js';

// npm run load [-- hot small flood slow streams]: the full figures, or some. Needs some 10,000 file descriptors (ulimit -n).
// What a process may take on top over the second half of a flood: what is not collected yet at one moment or the other.
const MAX_GROWTH_BYTES = 60 * 2 ** 20;
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MB`;
const line = (what: string, { requests, failed, p50Ms, p99Ms, lagMs, starved, runs }: HotFigures): void =>
  console.log(
    `  ${what}: ${requests} requests, ${failed} failed, ${runs} runs of the handler, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, event loop p99 ${lagMs.toFixed(0)} ms, without its core ${(100 * starved).toFixed(0)} % of the time`,
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
      check('no failed request', plain.failed + up.failed + hung.failed === 0);
      check('hardly a run of the handler', up.runs === 0 && hung.runs < 10);
    }
    const isSlow = Math.max(paced.up.lagMs, paced.hung.lagMs) >= MAX_LAG_MS;
    if (isSlow && !saysSomething(paced)) console.log('  too busy a machine for these lags to tell of the app');
    else check(`a lag below ${MAX_LAG_MS} ms`, !isSlow);
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
  const { failed, seconds, tenth, half, end, peak, entries, bytes, isHotKept } = await flood(urls, limit, nodeArgs);
  console.log(
    `${urls} distinct URLs of 10 kB, limit ${limit}${nodeArgs.map((arg) => `, ${arg}`).join('')}: ${failed} failed, ${seconds.toFixed(0)} s, resident ${mb(tenth)} after a tenth, ${mb(half)} after half, ${mb(end)} at the end, ${mb(peak)} at most, ${entries} entries in ${mb(bytes)}, hot key kept: ${isHotKept}`,
  );
  check('no failed request', failed === 0);
  check('a hot key that stays', isHotKept);
  check('memory that stops growing', end - half < MAX_GROWTH_BYTES);
}

function check(what: string, isFine: boolean): void {
  if (isFine) return;
  console.log(`  NOT KEPT: ${what}`);
  process.exitCode = 1;
}
