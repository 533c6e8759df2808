import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lastingKeys } from '../../lib/queue/lasting-keys.js';
import { eventually, type RedisServer, startRedis } from '../../lib/testing/index.js';
import { runnableScript } from '../support/compiled-scripts.js';

const SCRIPT = runnableScript(new URL('data/views-process.ts', import.meta.url));
const PER_USER = 3334;
const USERS = ['ann', 'bob', 'eve'];

describe('write-behind into SQLite', () => {
  let server: RedisServer;
  let folder: string;
  const running = new Set<ChildProcess>();

  beforeEach(async () => {
    server = await startRedis();
    folder = mkdtempSync(join(tmpdir(), 'views-'));
    const sqlite = new Database(join(folder, 'views.sqlite'));
    sqlite.pragma('journal_mode = WAL');
    sqlite.exec('CREATE TABLE views (id TEXT PRIMARY KEY, user TEXT, n INTEGER, times INTEGER NOT NULL DEFAULT 1)');
    sqlite.close();
  });

  afterEach(async () => {
    for (const child of running) child.kill('SIGKILL');
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const acknowledged = (user: string): number[] => {
    const file = join(folder, `${user}.txt`);
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [];
  };

  function start(user: string): { readonly child: ChildProcess; readonly ended: Promise<number | string> } {
    const files = [join(folder, 'views.sqlite'), join(folder, `${user}.txt`)];
    const args = [server.url, 'views', ...files, user, String(firstMissing(acknowledged(user))), String(PER_USER)];
    const child = spawn(process.execPath, [...SCRIPT.execArgv, SCRIPT.path, ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running.add(child);
    const ended = once(child, 'exit').then(([code, signal]) => {
      running.delete(child);
      return (code ?? signal) as number | string;
    });
    return { child, ended };
  }

  async function pushAll(user: string, kills: number): Promise<void> {
    for (let n = 1; n <= kills; n++) {
      const { child, ended } = start(user);
      const goal = Math.floor((PER_USER * n) / (kills + 1));
      await eventually(() => acknowledged(user).length >= goal, { timeoutMs: 60_000 });
      child.kill('SIGKILL');
      expect(await ended).toBe('SIGKILL');
    }
    expect(await start(user).ended).toBe(0);
  }

  it('has every acknowledged item of three processes that were killed in the middle, once by its id and in order', async () => {
    await Promise.all(USERS.map((user, n) => pushAll(user, n + 1)));
    const sqlite = new Database(join(folder, 'views.sqlite'));
    expect(await server.cli('XLEN', lastingKeys('views').items('views'))).toBe(0);
    const all = () => sqlite.prepare('SELECT user, n, times FROM views ORDER BY rowid').all() as Row[];
    const rows = all();
    expect(rows).toHaveLength(PER_USER * USERS.length);
    for (const user of USERS) {
      const own = rows.filter((row) => row.user === user).map(({ n }) => n);
      expect(own).toEqual(Array.from({ length: PER_USER }, (_, n) => n));
      expect(new Set(acknowledged(user)).size).toBe(PER_USER);
    }
    expect(rows.every(({ times }) => times >= 1)).toBe(true);
    sqlite.close();
  }, 180_000);
});

interface Row {
  readonly user: string;
  readonly n: number;
  readonly times: number;
}

function firstMissing(numbers: readonly number[]): number {
  const there = new Set(numbers);
  let n = 0;
  while (there.has(n)) n += 1;
  return n;
}
