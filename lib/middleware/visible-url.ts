import type { Request } from 'express';

/**
 * Shows a handler a shorter target than the client sent: without what the key does not cover. Returns the way back.
 * Express 5 reads `req.query` from `req.url` each time; Express 4 parsed it once, so the names are removed there.
 */
export function hideQuery(req: Request, visibleUrl: string): () => void {
  const before = { url: req.url, originalUrl: req.originalUrl };
  const search = visibleUrl.indexOf('?');
  const query = search === -1 ? '' : visibleUrl.slice(search);
  const mark = req.url.indexOf('?');
  req.url = (mark === -1 ? req.url : req.url.slice(0, mark)) + query;
  req.originalUrl = visibleUrl;
  const parsed = Object.getOwnPropertyDescriptor(req, 'query');
  if (parsed !== undefined && 'value' in parsed) pruneQuery(parsed.value as Record<string, unknown>, query);
  return () => {
    req.url = before.url;
    req.originalUrl = before.originalUrl;
  };
}

// Nested forms (`a[b]=1`) parse to their first name, so that is what is compared.
function pruneQuery(parsed: Record<string, unknown>, query: string): void {
  const kept = new Set<string>();
  for (const name of new URLSearchParams(query).keys()) {
    kept.add(name);
    kept.add(name.split('[')[0] as string);
  }
  for (const name of Object.keys(parsed)) if (!kept.has(name)) delete parsed[name];
}
