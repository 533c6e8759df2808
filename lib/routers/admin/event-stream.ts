import type { Request, Response } from 'express';
import { isDraining, onDraining } from '../../middleware/draining.js';
import type { LiveFeed, Update } from './live-feed.js';

const MAX_STREAMS = 50;
const RECHECK_MS = 30_000;

/**
 * Server-sent events for a page that is open. Sends only the parts that changed, asks again every half minute whether
 * the viewer may still look, and ends when the process drains. `false`: too many are open, or it drains already.
 */
export function openStream(req: Request, res: Response, feed: LiveFeed, mayStay: () => Promise<boolean>): boolean {
  if (feed.watchers >= MAX_STREAMS || isDraining()) return false;
  res.statusCode = 200;
  res.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
  // Compression and proxies that buffer would hold back what should be seen at once.
  res.setHeader('Cache-Control', 'no-store, no-transform');
  res.setHeader('X-Accel-Buffering', 'no');
  if (req.method === 'HEAD') {
    res.end();
    return true;
  }
  res.write('retry: 3000\n\n');
  follow(res, feed, mayStay);
  return true;
}

function follow(res: Response, feed: LiveFeed, mayStay: () => Promise<boolean>): void {
  const sent = new Map<string, string>();
  const send = (update: Update): void => {
    // A reader that is too slow misses updates instead of piling them up here.
    if (res.writableLength > 1_000_000) return;
    res.write(`event: update\ndata: ${JSON.stringify({ ...update, sections: changed(update.sections, sent) })}\n\n`);
  };
  const recheck = setInterval(() => void mayStay().then((may) => may || res.end()), RECHECK_MS);
  recheck.unref();
  const leave = feed.watch(send);
  const offDraining = onDraining(() => res.end());
  res.once('close', () => {
    leave();
    offDraining();
    clearInterval(recheck);
  });
  void feed.tick();
}

function changed(sections: Readonly<Record<string, string>>, sent: Map<string, string>): Record<string, string> {
  const fresh = Object.entries(sections).filter(([name, markup]) => sent.get(name) !== markup);
  for (const [name, markup] of fresh) sent.set(name, markup);
  return Object.fromEntries(fresh);
}
