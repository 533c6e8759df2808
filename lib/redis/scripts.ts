import { createHash } from 'node:crypto';
import type { RedisClient } from './guard.js';

// ioredis has these; its types do not. Its `callBuffer` would do but for losing the command's name when auto-pipelining.
type ScriptRunner = Record<
  'evalshaBuffer' | 'evalBuffer',
  (script: string, keyCount: number, ...rest: readonly (string | number | Buffer)[]) => Promise<ScriptReply>
>;

/** What a script answers: integers, byte strings, nil, or a list of these. */
export type ScriptReply = number | Buffer | null | readonly ScriptReply[];

const shaByScript = new Map<string, string>();

/**
 * Runs a Lua script by its digest, and by its text where the server does not know it yet: after a restart, a failover or
 * `SCRIPT FLUSH`. Nothing is loaded beforehand, so nothing can be loaded in the wrong place. All keys in one slot.
 * Rejects as the client does; call it inside `guard.run`. A script is executed at most once: NOSCRIPT means it did not run.
 */
export async function runScript(
  client: RedisClient,
  script: string,
  keys: readonly string[],
  args: readonly (string | number | Buffer)[],
): Promise<ScriptReply> {
  const runner = client as unknown as ScriptRunner;
  try {
    return await runner.evalshaBuffer(shaOf(script), keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return runner.evalBuffer(script, keys.length, ...keys, ...args);
  }
}

// The scripts are constants of this package, so the map stays small.
function shaOf(script: string): string {
  let sha = shaByScript.get(script);
  if (sha === undefined) {
    sha = createHash('sha1').update(script).digest('hex');
    shaByScript.set(script, sha);
  }
  return sha;
}
