// Takes down a hit as a client sees it, so that baselines answer with the same fields and bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { type RoundsOptions, Running } from './harness/compare.js';
import { type Compiled, packageRoot } from './harness/compile.js';
import type { PlannedRequest } from './harness/messages.js';
import { type Recording, recordings } from './suite.js';
import type { Recorded } from './variants/environment.js';

const resultsFolder = join(packageRoot, 'test/bench/results');
const WRITTEN_BY_NODE = ['date', 'connection', 'keep-alive', 'x-powered-by'];

function fetchOnce(port: number, request: PlannedRequest): Promise<Recorded> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', path: request.path, headers: { ...request.headers } };
    get(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const headers: Record<string, string> = {};
        for (let i = 0; i < response.rawHeaders.length; i += 2) {
          const name = response.rawHeaders[i]!;
          if (!WRITTEN_BY_NODE.includes(name.toLowerCase())) headers[name] = response.rawHeaders[i + 1]!;
        }
        resolve({ headers, bodyBase64: Buffer.concat(chunks).toString('base64') });
      });
    }).on('error', reject);
  });
}

async function record(name: Recording, compiled: Compiled, options: RoundsOptions): Promise<[string, Recorded]> {
  const { bytes, request } = recordings[name];
  const contender = { name: 'memory hit', module: 'variants/ours', requests: [], env: { BENCH_BODY: String(bytes) } };
  const running = new Running(contender, compiled, options);
  await running.ready();
  const planned = { path: '/movies/1', ...request };
  await fetchOnce(running.port, planned);
  await new Promise((resolve) => setTimeout(resolve, 300)); // compression of what was stored happens behind the answer
  const hit = await fetchOnce(running.port, planned);
  await running.process.stop();
  mkdirSync(resultsFolder, { recursive: true });
  const file = join(resultsFolder, `hit-${name.replaceAll(' ', '-')}.json`);
  writeFileSync(file, JSON.stringify(hit, null, 1));
  return [file, hit];
}

/** The recorded hits: files for the baselines, and the validator of the small one. */
export async function recordHits(
  compiled: Compiled,
  options: RoundsOptions,
): Promise<{ files: Record<Recording, string>; etags: Record<Recording, string> }> {
  const files = {} as Record<Recording, string>;
  const etags = {} as Record<Recording, string>;
  for (const name of Object.keys(recordings) as Recording[]) {
    const [file, hit] = await record(name, compiled, options);
    files[name] = file;
    const field = Object.keys(hit.headers).find((header) => header.toLowerCase() === 'etag');
    etags[name] = field ? hit.headers[field]! : '';
  }
  return { files, etags };
}
