import type { RedisGuard } from '../redis/guard.js';

/** What one server says of itself (`INFO`). Bytes and counts. */
export interface RedisServerFigures {
  readonly runId: string;
  readonly version: string;
  readonly role: string;
  readonly usedMemory: number;
  readonly maxMemory: number;
  readonly connectedClients: number;
  readonly commandsProcessed: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly evictedKeys: number;
  readonly keys: number;
}

/** All servers this process uses, masters only, added up. */
export interface RedisFigures {
  /** Whether every client's Redis answered. */
  readonly up: boolean;
  /** Whether any client's circuit breaker is open. */
  readonly breakerOpen: boolean;
  /** Per server; empty when none answered. */
  readonly servers: readonly RedisServerFigures[];
}

/** Asks one client's servers. `undefined`: no answer in time. Never rejects. */
export type ReadServers = (guard: RedisGuard) => Promise<readonly RedisServerFigures[] | undefined>;

const KEEP_MS = 1000;

/** Reads figures of all Redis servers, at most once at a time and once a second, however many metrics ask. */
export class RedisFiguresReader {
  readonly #guards: () => readonly RedisGuard[];
  readonly #readServers: ReadServers;
  readonly #now: () => number;
  #running: Promise<RedisFigures | undefined> | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(guards: () => readonly RedisGuard[], readServers: ReadServers, now: () => number) {
    this.#guards = guards;
    this.#readServers = readServers;
    this.#now = now;
  }

  /** `undefined` when this process uses no Redis. */
  read(): Promise<RedisFigures | undefined> {
    if (!this.#running || this.#now() - this.#readAt >= KEEP_MS) {
      this.#readAt = this.#now();
      this.#running = this.#readAll();
    }
    return this.#running;
  }

  async #readAll(): Promise<RedisFigures | undefined> {
    const guards = this.#guards();
    if (guards.length === 0) return undefined;
    const answers = await Promise.all(guards.map((guard) => this.#readServers(guard)));
    // Two clients of one server must not count it twice.
    const byRunId = new Map<string, RedisServerFigures>();
    for (const server of answers.flatMap((servers) => servers ?? [])) byRunId.set(server.runId, server);
    return {
      up: answers.every((servers) => servers !== undefined && servers.length > 0),
      breakerOpen: guards.some(({ state }) => state === 'down'),
      servers: [...byRunId.values()],
    };
  }
}

/** A figure added up over servers; `undefined` when no server answered. */
export function totalOf(
  figures: RedisFigures | undefined,
  pick: (server: RedisServerFigures) => number,
): number | undefined {
  if (!figures || figures.servers.length === 0) return undefined;
  return figures.servers.reduce((total, server) => total + pick(server), 0);
}

/** The highest share of its limit any server uses; `undefined` when none has a limit. */
export function memoryShare(servers: readonly RedisServerFigures[]): number | undefined {
  const shares = servers.filter(({ maxMemory }) => maxMemory > 0).map((server) => server.usedMemory / server.maxMemory);
  return shares.length === 0 ? undefined : Math.max(...shares);
}
