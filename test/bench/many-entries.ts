// Hits among few and among many stored answers, interleaved.
import { Field, type RoundsOptions, type Samples } from './harness/compare.js';
import type { Compiled } from './harness/compile.js';

const ASKED = 1000;

/** The same hits by processes that hold so many entries; samples are named by the count. */
export async function measureAmong(
  counts: readonly number[],
  compiled: Compiled,
  options: RoundsOptions,
): Promise<Samples> {
  const contenders = counts.map((count) => ({
    name: String(count),
    variant: 'ours',
    module: 'variants/filled',
    nodeArguments: ['--max-old-space-size=12000'],
    // Spread over all entries, so that each is as far away as it can be.
    requests: Array.from({ length: ASKED }, (_, at) => ({ path: `/movies/${Math.floor((at * count) / ASKED)}` })),
  }));
  const field = await Field.start(contenders, compiled, { ...options, warmUp: 6000 });
  try {
    for (const [at, running] of field.running.entries()) {
      await running.question('fill', { from: 0, to: counts[at]!, host: `127.0.0.1:${running.port}` });
    }
    return await field.rounds();
  } finally {
    await field.stop();
  }
}
