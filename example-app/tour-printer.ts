interface Step {
  readonly as?: { readonly name: string; readonly token: string };
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly xCache: string;
  readonly cacheStatus: string;
  readonly etag: string;
  readonly body: string;
  readonly ms: number;
}

/** Sends requests to `base` one by one and prints a line for each. */
export function tourist(base: string) {
  async function send(method: string, path: string, step: Step = {}): Promise<Answer> {
    const answer = await request(base, method, path, step);
    printAnswer(`${method} ${path}${step.as ? `  (${step.as.name})` : ''}`, answer);
    return answer;
  }
  const get = (path: string, step?: Step) => send('GET', path, step);
  const crowd = async (readers: number, path: string) => {
    const answers = await Promise.all(Array.from({ length: readers }, () => request(base, 'GET', path, {})));
    printCrowd(path, answers);
  };
  /** A request that is not part of the show; it must succeed. */
  const peek = async (method: string, path: string, step: Step = {}) => {
    const { status, body } = await request(base, method, path, step);
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${body}`);
    return body;
  };
  return { title, heading, note, get, send, crowd, peek };
}

async function request(base: string, method: string, path: string, step: Step): Promise<Answer> {
  const headers = new Headers(step.headers);
  if (step.as) headers.set('Authorization', `Bearer ${step.as.token}`);
  if (step.json !== undefined) headers.set('Content-Type', 'application/json');
  const startedAt = performance.now();
  const response = await fetch(base + path, { method, headers, body: step.json ? JSON.stringify(step.json) : null });
  const body = await response.text();
  return {
    status: response.status,
    xCache: response.headers.get('X-Cache') ?? '-',
    cacheStatus: response.headers.get('Cache-Status') ?? '-',
    etag: response.headers.get('ETag') ?? '',
    body,
    ms: performance.now() - startedAt,
  };
}

const WIDTH = 55;

function title(text: string): void {
  console.log(`${text}\n\n${'request'.padEnd(WIDTH)} status X-Cache      time  Cache-Status`);
}

function heading(text: string): void {
  console.log(`\n# ${text}`);
}

function note(text: string): void {
  console.log(`  ^ ${text}`);
}

function printAnswer(request: string, { status, xCache, ms, cacheStatus }: Answer): void {
  console.log(`${request.padEnd(WIDTH)} ${String(status).padEnd(6)} ${xCache.padEnd(7)} ${time(ms)}  ${cacheStatus}`);
}

function printCrowd(path: string, answers: readonly Answer[]): void {
  const byCache = countBy(answers.map(({ xCache }) => xCache));
  const slowest = Math.max(...answers.map(({ ms }) => ms));
  const sources = [...byCache].map(([xCache, count]) => `${count} ${xCache}`).join(', ');
  const request = `GET ${path}  x ${answers.length} at once`;
  console.log(`${request.padEnd(WIDTH)} ${statuses(answers)} ${''.padEnd(7)} ${time(slowest)}  ${sources}`);
}

function countBy(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

const statuses = (answers: readonly Answer[]) => [...new Set(answers.map(({ status }) => status))].join(',').padEnd(6);
const time = (ms: number) => `${ms.toFixed(1)} ms`.padStart(9);
