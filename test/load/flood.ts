import { ask } from '../flows/support/serve.js';
import { startLoadApp } from './load-app-process.js';
import { startGenerator } from './traffic.js';

/** What a flood left behind; sizes in bytes. */
export interface FloodFigures {
  readonly urls: number;
  readonly failed: number;
  readonly seconds: number;
  /** Resident size after a tenth of it, after half, at the end, and the highest ever. */
  readonly tenth: number;
  readonly half: number;
  readonly end: number;
  readonly peak: number;
  readonly entries: number;
  readonly bytes: number;
  /** Whether a key asked for all along is still there. */
  readonly isHotKept: boolean;
}

const CONNECTIONS = 50;

/** A3.5, B38: distinct URLs of 10 kB each, far more than fit. */
export async function flood(urls: number, maxBytes: string, nodeArgs: readonly string[] = []): Promise<FloodFigures> {
  const app = await startLoadApp({ maxBytes }, nodeArgs);
  const generator = await startGenerator(app.port, CONNECTIONS);
  const startedAt = performance.now();
  let failed = 0;
  const send = async (count: number): Promise<number> => {
    failed += (await generator.send({ kind: 'flood', path: '/flood', urls: count, hotPath: '/hot' })).failed;
    return (await app.state()).rss;
  };
  try {
    await generator.send({ kind: 'volley', path: '/hot', rounds: 1 });
    const tenth = await send(Math.round(urls / 10));
    const half = await send(Math.round(urls / 2) - Math.round(urls / 10));
    const end = await send(urls - Math.round(urls / 2));
    const seconds = (performance.now() - startedAt) / 1000;
    const isHotKept = (await ask(`${app.url}/hot`)).cache === 'hit';
    const { peak, entries, bytes } = await app.state();
    return { urls, failed, seconds, tenth, half, end, peak, entries, bytes, isHotKept };
  } finally {
    await generator.stop();
    await app.stop();
  }
}
