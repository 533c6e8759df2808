import { type ForwardReason, forwardMember } from '../cache/http/cache-status.js';
import { CACHE_NAME } from './cache-name.js';

/** What is said of a reason, by detail. Both come from closed sets. */
type Members = Map<string | undefined, string>;

// Apart, so that looking one up makes no text of its own.
const plain = new Map<ForwardReason, Members>();
const stored = new Map<ForwardReason, Members>();
const collapsed = new Map<ForwardReason, Members>();
const both = new Map<ForwardReason, Members>();
const MAX_DETAILS = 200;

/** This cache's member for a request that it forwards: put together once for each of what it can say. */
export function memberFor(fwd: ForwardReason, detail?: string, isStored = false, isCollapsed = false): string {
  const kind = isStored ? (isCollapsed ? both : stored) : isCollapsed ? collapsed : plain;
  const members = kind.get(fwd);
  return members?.get(detail) ?? learn(kind, { fwd, detail, stored: isStored, collapsed: isCollapsed });
}

function learn(kind: Map<ForwardReason, Members>, status: Parameters<typeof forwardMember>[1]): string {
  const member = forwardMember(CACHE_NAME, status);
  const members = kind.get(status.fwd) ?? new Map();
  if (members.size < MAX_DETAILS) members.set(status.detail, member);
  kind.set(status.fwd, members);
  return member;
}
