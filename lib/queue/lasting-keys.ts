import { digest } from '../redis/keyspace.js';

/**
 * The Redis keys that outlive a version of the app: queues, and what warming remembers. None of them can be a key of an
 * entry, its lease or its versions, even under a version called `q`: those go on with other letters. What belongs
 * together shares a slot.
 */
export interface LastingKeys {
  /** The items of a queue, a stream. */
  items(queue: string): string;
  /** Items set aside, a stream. */
  poisoned(queue: string): string;
  /** How often single items were tried, a hash. */
  tries(queue: string): string;
  /** Who flushes the queue now. */
  consumer(queue: string): string;
  /** How far one process has come with its pushes. */
  producer(queue: string, process: string): string;
  /** Who warms now, under a plan's name. */
  warmer(plan: string): string;
  /** There until the plan is due again. */
  warmed(plan: string): string;
  /** What of the plan is done, a set. */
  warmedTargets(plan: string): string;
  /** How often URLs were asked for in one hour, a sorted set. */
  traffic(hour: number): string;
}

/** Spells the lasting keys of a namespace. */
export function lastingKeys(namespace: string): LastingKeys {
  const root = `${namespace}:q`;
  const named = (letter: string) => (name: string) => `${root}:${letter}:{${digest(name)}}`;
  const hours = digest('traffic');
  return Object.freeze({
    items: named('s'),
    poisoned: named('x'),
    tries: named('t'),
    consumer: named('o'),
    producer: (queue: string, process: string) => `${named('u')(queue)}${process}`,
    warmer: named('w'),
    warmed: named('d'),
    warmedTargets: named('r'),
    traffic: (hour: number) => `${root}:h:{${hours}}${hour}`,
  });
}
