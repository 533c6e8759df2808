import { type ForwardReason, forwardMember } from '../cache/http/cache-status.js';
import { CACHE_NAME } from './cache-name.js';

const members = new Map<string, string>();
const MAX_MEMBERS = 1000;

/** This cache's member for a request that it forwards: put together once for each of what it can say. */
export function memberFor(fwd: ForwardReason, detail: string | undefined, stored = false, collapsed = false): string {
  const key = `${fwd} ${detail}${stored ? ' s' : ''}${collapsed ? ' c' : ''}`;
  let member = members.get(key);
  if (member === undefined) {
    member = forwardMember(CACHE_NAME, { fwd, detail, stored, collapsed });
    if (members.size < MAX_MEMBERS) members.set(key, member);
  }
  return member;
}
