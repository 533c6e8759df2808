import type { Redis } from 'ioredis';
import type { LinkSurroundings, ServerLink } from './server-link.js';

/** What of {@link LinkSurroundings} is the same for every link of a client. */
export interface SharedSurroundings extends Pick<LinkSurroundings, 'clock' | 'admit'> {
  /** As {@link LinkSurroundings.onChange}; without a link it is the client itself that lost, or never had, its servers. */
  onChange(reason: string, link?: ServerLink): void;
}

/** A part of a batch of reads: keys that one link answers for. */
export interface ReadPart {
  readonly link: ServerLink;
  readonly keys: readonly string[];
}

/** The servers behind a client, and who answers for which key. */
export interface Links {
  /** The link that answers for a key, up or not; `undefined` when nobody is known to. */
  linkOf(key: string): ServerLink | undefined;
  all(): Iterable<ServerLink>;
  /** Splits keys by the link that answers for them, leaving out those that nobody can answer for now. */
  partsOf(keys: readonly string[]): readonly ReadPart[];
  /** Reads keys of one part. One value per key, `undefined` where it could not be read; rejects when all failed. */
  read(link: ServerLink, keys: readonly string[]): Promise<readonly (Buffer | null | undefined)[]>;
  /** A call that went to an unknown server was not answered: find out which. */
  suspectAll(): void;
  close(): void;
}

/** A key to probe where any will do. Nobody writes it. */
export const PROBE_KEY = 'warmpath:probe';

/** Of {@link LinkSurroundings.upkeepMs}: for a server by itself, and for one that Sentinel or its cluster may replace. */
export const UPKEEP_MS = { alone: 5000, replaceable: 1000 } as const;

/** How a log names a server. */
export function serverName(redis: Redis): string {
  const { path, host, port } = redis.options;
  return path ?? `${host ?? 'localhost'}:${port ?? 6379}`;
}
