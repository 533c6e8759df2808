// What the run tells each variant's process.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { answerHeaders, jsonBody } from './fixtures.js';

/** A stored answer as a client of ours saw it: what baselines answer with, so that both send the same fields and bytes. */
export interface Recorded {
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
}

export const bodyBytes = Number(process.env.BENCH_BODY ?? 1024);
/** The representation the origin makes. */
export const body = jsonBody(bodyBytes);
export const text = body.toString('latin1');
export const redisPort = Number(process.env.BENCH_REDIS ?? 6379);
/** A database of its own per variant: some peers use the bare URL as their key. */
export const redisDb = Number(process.env.BENCH_REDIS_DB ?? 0);
export const redisUrl = `redis://127.0.0.1:${redisPort}/${redisDb}`;

const file = process.env.BENCH_RECORDED;
const recorded = file ? (JSON.parse(readFileSync(file, 'utf8')) as Recorded) : undefined;

/** The fields of a hit, without those Node writes by itself. */
export const hitHeaders: Readonly<Record<string, string>> = recorded?.headers ?? answerHeaders(body);
/** The bytes of a hit: the body, or its stored coding. */
export const hitBody: Buffer = recorded ? Buffer.from(recorded.bodyBase64, 'base64') : body;
if (recorded && hitHeaders['content-encoding'] === 'gzip' && !gunzipSync(hitBody).equals(body)) {
  throw new Error('the recorded hit is not the representation');
}

/** Fields an origin handler of an ordinary JSON API sets. */
export const originHeaders = {
  'Content-Type': 'application/json; charset=utf-8',
  'Cache-Control': 'public, max-age=60, s-maxage=3600',
} as const;

let runs = 0;
/** Called by every origin handler, so that the run can tell a hit from a miss. */
export function originRan(): void {
  runs++;
}
export const countRuns = { originRuns: (): number => runs };
