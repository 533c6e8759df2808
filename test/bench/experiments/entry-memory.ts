// node --expose-gc: bytes of process memory per stored entry of 1,024 incompressible bytes, by the way it is kept.
import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

const COUNT = Number(process.env.COUNT ?? 200_000);
const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
const key = (i: number): string => Buffer.from(`r:127.0.0.1/movies/${i}`, 'latin1').toString('latin1');
const bytes = (): Buffer => Buffer.from(new Uint8Array(randomBytes(1024)).buffer.slice(0));
const fieldsOf = (i: number): [string, string][] => [
  ['content-type', 'application/json; charset=utf-8'],
  ['cache-control', 'public, max-age=60, s-maxage=3600'],
  ['etag', `W/"${i}-abcdefghijklmnopqrstuvwxyz0"`],
  ['date', `Fri, 21 Nov 2025 04:${i % 60}:00 GMT`],
];

class Slab {
  readonly #pages: Buffer[] = [];
  readonly #at = new Float64Array(COUNT + 1);
  readonly #index = new Map<string, number>();
  #end = 0;
  #count = 0;
  set(name: string, body: Buffer): void {
    const page = Math.floor(this.#end / 1_048_576);
    this.#pages[page] ??= Buffer.allocUnsafeSlow(1_048_576);
    body.copy(this.#pages[page]!, this.#end % 1_048_576);
    this.#at[this.#count] = this.#end;
    this.#index.set(name, this.#count++);
    this.#end += body.length;
  }
}

const ways: Record<string, () => (i: number) => unknown> = {
  'Map of own Buffers': () => {
    const kept = new Map<string, Buffer>();
    return (i) => kept.set(key(i), bytes());
  },
  'Map of latin1 strings': () => {
    const kept = new Map<string, string>();
    return (i) => kept.set(key(i), randomBytes(1024).toString('latin1'));
  },
  'Map of { 6 numbers, string }': () => {
    const kept = new Map<string, object>();
    return (i) =>
      kept.set(key(i), {
        storedAt: Date.now() + i + 0.5,
        retainUntil: Date.now() + i + 0.5,
        size: 1024,
        template: 1,
        etag: 2,
        body: randomBytes(1024).toString('latin1'),
      });
  },
  'Map of { fields[], Buffer }': () => {
    const kept = new Map<string, object>();
    return (i) =>
      kept.set(key(i), {
        storedAt: Date.now() + i + 0.5,
        retainUntil: Date.now() + i + 0.5,
        meta: { s: 200, f: fieldsOf(i), l: 1, a: 0, w: 0, e: 0 },
        body: bytes(),
      });
  },
  'lru-cache of latin1 strings, sized': () => {
    const kept = new LRUCache<string, string>({ maxSize: 4e9, sizeCalculation: (v) => v.length });
    return (i) => kept.set(key(i), randomBytes(1024).toString('latin1'));
  },
  'slab pages + Map of numbers': () => {
    const kept = new Slab();
    return (i) => kept.set(key(i), randomBytes(1024));
  },
};

const chosen = process.argv[2];
if (!chosen) {
  const { spawnSync } = await import('node:child_process');
  const { fileURLToPath } = await import('node:url');
  for (const way of Object.keys(ways)) {
    spawnSync(process.execPath, ['--expose-gc', fileURLToPath(import.meta.url), way], { stdio: 'inherit' });
  }
} else {
  const store = ways[chosen]!();
  for (let i = 0; i < 1000; i++) store(i);
  collect();
  const before = process.memoryUsage();
  for (let i = 1000; i < COUNT + 0; i++) store(i);
  collect();
  collect();
  const after = process.memoryUsage();
  const per = (bytesUsed: number): string => (bytesUsed / (COUNT - 1000)).toFixed(0).padStart(6);
  console.log(
    chosen.padEnd(36),
    'rss',
    per(after.rss - before.rss),
    'heap+external',
    per(after.heapUsed + after.external - before.heapUsed - before.external),
  );
  store(0);
}
