/**
 * Takes the pictures of the admin page in the README: the example application under load, with a Redis of its own.
 * Run from the root of the project: npx tsx test/browser/screenshots.ts
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { startRedis } from '../../lib/testing/index.js';
import { databaseFile, runExample } from '../flows/example/example-process.js';
import { requireProgram } from '../support/programs.js';

const FOLDER = 'example-app/screenshots';
const LOAD_MS = Number(process.env.LOAD_MS ?? 600_000);
const SHOTS = [
  { name: 'admin-page-light', width: 1360, height: 1010, colorScheme: 'light' },
  { name: 'admin-page-dark', width: 1360, height: 1010, colorScheme: 'dark' },
  { name: 'admin-page-phone', width: 390, height: 844, colorScheme: 'light' },
] as const;

const ALICE = { Authorization: 'Bearer demo-alice' };

/** Readers who mostly want popular films, some who search, a writer now and then. */
async function load(base: string, endsAt: number): Promise<void> {
  const startedAt = Date.now();
  const popular = () => 1 + Math.floor(Math.random() ** 4 * 400);
  const paths = [
    () => `/api/movies/${popular()}`,
    () => `/api/movies/${popular()}`,
    () => `/api/movies?page=${1 + Math.floor(Math.random() ** 3 * 20)}`,
    () => `/api/movies?search=${['moon', 'love', 'star', 'night', 'dead'][Math.floor(Math.random() * 5)]}`,
    () => '/api/genres',
    () => '/api/stats',
    () => '/api/movies/popular',
    () => '/api/movies?page=zero',
  ];
  const reader = async (index: number) => {
    while (Date.now() < endsAt) {
      const path = paths[Math.floor(Math.random() ** 1.6 * paths.length)] as () => string;
      await (await fetch(base + path(), index % 4 === 0 ? { headers: ALICE } : {})).arrayBuffer();
      // A wave, so that the charts have something to show.
      await pause(60 + 50 * Math.sin((Date.now() - startedAt) / 60_000) + Math.random() * 40);
    }
  };
  const writer = async () => {
    while (Date.now() < endsAt) {
      const headers = { ...ALICE, 'Content-Type': 'application/json' };
      await fetch(`${base}/api/movies/${popular()}/ratings`, { method: 'POST', headers, body: '{"score":8}' });
      await pause(4000);
    }
  };
  await Promise.all([...Array.from({ length: 8 }, (_, index) => reader(index)), writer()]);
}

const redis = await startRedis({ args: ['--maxmemory', '24mb', '--maxmemory-policy', 'allkeys-lru'] });
const database = databaseFile();
const env = { PORT: '0', DATABASE_FILE: database.file, REDIS_URL: redis.url, RATE_LIMIT: '40' };
const server = runExample('server.ts', env);
const [, base = ''] = await server.printed(/Films: (http:\S+)\/api\/movies/);
const executablePath = await requireProgram('chromium');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const traffic = load(base, Date.now() + LOAD_MS + 20_000);
await pause(LOAD_MS);
mkdirSync(FOLDER, { recursive: true });
for (const { name, width, height, colorScheme } of SHOTS) {
  const page = await browser.newPage({
    viewport: { width, height },
    colorScheme,
    extraHTTPHeaders: { Authorization: 'Bearer demo-staff' },
  });
  await page.goto(`${base}/admin/observability`);
  await page.waitForSelector('#live[data-state=live]');
  await pause(2500);
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  if (process.env.WHOLE) await page.screenshot({ path: join(FOLDER, `${name}-whole.png`), fullPage: true });
  await page.close();
}
await traffic;
await browser.close();
await server.stop();
await redis.stop();
database.remove();
process.exit(0);
