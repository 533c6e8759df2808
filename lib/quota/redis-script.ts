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

/** The text of a script remembered by its SHA-1. */
export const scriptText = (sha: string): string | undefined => textBySha.get(sha);

/** A command as it goes to Redis: its name, then its arguments. */
export type RedisCommand = readonly [string, ...(string | number)[]];

/** `EVALSHA` of a script. */
export function evalCommand(
  script: RedisScript,
  keys: readonly string[],
  args: readonly (string | number)[],
): RedisCommand {
  return ['EVALSHA', script.sha, keys.length, ...keys, ...args];
}

/** The same call with the whole text, when Redis does not know the script (restart, failover, `SCRIPT FLUSH`); else `undefined`. */
export function withScriptText(command: RedisCommand, error: unknown): RedisCommand | undefined {
  if (command[0] !== 'EVALSHA' || !(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) return undefined;
  const text = scriptText(String(command[1]));
  return text === undefined ? undefined : ['EVAL', text, ...command.slice(2)];
}
