import type { IncomingMessage } from 'node:http';

// Membership is by object identity: no header, property or symbol a client could send makes a request internal.
const internal = new WeakSet<IncomingMessage>();

/** Marks a request that this process dispatches through the app itself: a background refresh or a warm-up. */
export function markInternalDispatch(req: IncomingMessage): void {
  internal.add(req);
}

/** Whether a request was dispatched by this process itself. Limits and request metrics leave such requests out. */
export function isInternalDispatch(req: IncomingMessage): boolean {
  return internal.has(req);
}
