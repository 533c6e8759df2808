import { channel } from 'node:diagnostics_channel';
import type { EventBus, EventType } from '../common/events.js';

const TYPES = [
  'store-error',
  'corrupt-entry',
  'redis-state',
  'invalidation',
  'fill',
  'not-stored',
  'collapsed',
  'refresh',
  'finding',
  'write-behind',
] as const satisfies readonly EventType[];

/** Passes the events of a cache on to the diagnostics channels `warmpath:<type>`, for tracing. */
export function publishDiagnostics(events: EventBus): void {
  for (const type of TYPES) {
    const out = channel(`warmpath:${type}`);
    events.on(type, (event) => {
      if (out.hasSubscribers) out.publish(event);
    });
  }
}
