import { afterEach, describe, expect, it } from 'vitest';
import { createRedis } from '../../example-app/warmpath.js';
import { startRedis } from '../../lib/testing/index.js';
import { type FilmApp, importedCatalogue, STAFF, startFilmApp } from './example/film-app.js';
import { underLoad } from './example/load.js';

const PATHS = ['/api/movies/1', '/api/movies/2', '/api/movies?genre=Drama', '/api/movies/popular', '/api/genres'];

describe('the example while Redis goes and comes back', { timeout: 60_000 }, () => {
  const undo: (() => unknown)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });

  async function twoApps() {
    const server = await startRedis();
    undo.push(() => server.stop());
    const db = importedCatalogue();
    const apps: FilmApp[] = [];
    for (let n = 0; n < 2; n++) {
      const redis = createRedis(server.url);
      const app = await startFilmApp({ redis, db });
      undo.push(async () => {
        await app.close();
        redis?.disconnect();
      });
      apps.push(app);
    }
    const [first, second] = apps as [FilmApp, FilmApp];
    await uses('redis', first, second);
    return { server, first, second };
  }

  const uses = async (level: string, ...apps: FilmApp[]) => {
    for (const app of apps) await expect.poll(() => app.cache?.stats().level, { timeout: 15_000 }).toBe(level);
  };

  it.each([
    ['killed', 'kill', 'restart'],
    ['stopped as a process', 'pause', 'resume'],
  ] as const)('loses no request when Redis is %s under load, and none when it returns', async (_how, go, comeBack) => {
    const { server, first, second } = await twoApps();
    const load = underLoad([first, second], PATHS, { clients: 8 });
    await load.answers(200);
    await server[go]();
    await uses('memory', first, second);
    await load.answers(200);
    await server[comeBack]();
    await uses('redis', first, second);
    await load.answers(200);
    const { failures, total } = await load.stop();
    expect(failures).toEqual([]);
    expect(total).toBeGreaterThan(600);
  });

  it('a write while Redis is away is seen in both apps: at once in its own, and by all once Redis is back', async () => {
    const { server, first, second } = await twoApps();
    const title = async (app: FilmApp) => (await app.get('/api/movies/5')).json.title;
    await title(first);
    await title(second);
    await server.kill();
    await uses('memory', first, second);
    const write = await first.send('PUT', '/api/movies/5', { token: STAFF, json: { title: 'Written in the dark' } });
    expect(write.status).toBe(200);
    expect(await title(first)).toBe('Written in the dark');
    await server.restart();
    await uses('redis', first, second);
    expect([await title(first), await title(second)]).toEqual(['Written in the dark', 'Written in the dark']);
  });
});
