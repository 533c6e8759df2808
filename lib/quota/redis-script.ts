import { createHash } from 'node:crypto';

/** A Lua script and the name Redis knows it by. */
export interface RedisScript {
  readonly text: string;
  readonly sha: string;
}

const textBySha = new Map<string, string>();

/** Remembers a script, so that `NOSCRIPT` can be answered by sending its text. */
export function redisScript(text: string): RedisScript {
  const sha = createHash('sha1').update(text).digest('hex');
  textBySha.set(sha, text);
  return Object.freeze({ text, sha });
}

type Argument = string | number;

/** A command with its keys apart from its other arguments: `head` goes before them, `tail` after. */
export interface RedisCommand {
  readonly head: readonly [string, ...Argument[]];
  readonly keys: readonly string[];
  readonly tail: readonly Argument[];
}

/** `EVALSHA` of a script. */
export function evalCommand(script: RedisScript, keys: readonly string[], tail: readonly Argument[]): RedisCommand {
  return { head: ['EVALSHA', script.sha, keys.length], keys, tail };
}

/** A command on one key. */
export function keyCommand(name: string, key: string, ...tail: readonly Argument[]): RedisCommand {
  return { head: [name], keys: [key], tail };
}

/** Takes a command apart that came as one list: `EVALSHA <sha> <number of keys> <key>…`, or a name and a key. */
export function parseCommand([name = '', ...rest]: readonly string[]): RedisCommand {
  if (name !== 'EVALSHA') return { head: [name], keys: rest.slice(0, 1), tail: rest.slice(1) };
  const [sha = '', count = '0'] = rest;
  const keys = rest.slice(2, 2 + Number(count));
  return { head: [name, sha, keys.length], keys, tail: rest.slice(2 + keys.length) };
}

/** The command as it goes out, its keys prefixed. */
export function spelled({ head, keys, tail }: RedisCommand, prefix = ''): [string, ...Argument[]] {
  return [...head, ...(prefix ? keys.map((key) => prefix + key) : keys), ...tail];
}

/** The same call with the whole text, when Redis does not know the script (restart, failover, `SCRIPT FLUSH`); else `undefined`. */
export function withScriptText(command: RedisCommand, error: unknown): RedisCommand | undefined {
  const [name, sha, count] = command.head;
  if (name !== 'EVALSHA' || !(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) return undefined;
  const text = textBySha.get(String(sha));
  return text === undefined ? undefined : { ...command, head: ['EVAL', text, count as Argument] };
}
