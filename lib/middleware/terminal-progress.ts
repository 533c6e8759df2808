import type { WarmProgress } from './warm-run.js';

const WIDTH = 30;

/**
 * An `onProgress` that draws one line which fills up on a terminal, and says nothing where the output is none.
 * @param out @default process.stderr
 */
export function terminalProgress(label = 'warming', out: NodeJS.WriteStream = process.stderr) {
  return ({ done, total }: WarmProgress): void => {
    if (!out.isTTY) return;
    const filled = total === 0 ? WIDTH : Math.floor((WIDTH * done) / total);
    out.write(`\r${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total}`);
    if (done >= total) out.write('\n');
  };
}
