import type { Request } from 'express';
import type { AdminInputs } from './admin-view.js';
import { BadRequest } from './read-json.js';
import { redactKey } from './redact.js';
import { readTarget, readText } from './target.js';

type Body = Readonly<Record<string, unknown>>;

/** `POST cache/preview`: what an invalidation of this target would drop. */
export async function previewAction({ source, shownQuery }: AdminInputs, body: Body) {
  const { entries, sample, exact } = await source.preview(readTarget(body));
  return { entries, exact, sample: sample.slice(0, 50).map((key) => redactKey(key, shownQuery)) };
}

/** `POST cache/invalidate` */
export async function invalidateAction({ source }: AdminInputs, body: Body) {
  const { soft = false } = body;
  if (typeof soft !== 'boolean') throw new BadRequest('soft must be true or false');
  await source.invalidate(readTarget(body), { soft });
  return { invalidated: true, soft };
}

/** `POST cache/clear/:prefix`, or with the prefix in the body. Literal: no character of it means more than itself. */
export async function clearAction({ source }: AdminInputs, body: Body, prefixInPath?: string) {
  const prefix = readText('prefix', prefixInPath ?? body.prefix);
  const { entries, exact } = await source.preview({ prefix });
  await source.invalidate({ prefix }, { soft: false });
  return { cleared: true, entries, exact };
}

/** `POST cache/refresh`: makes one entry anew, named by the id a listing gave it or by its key. */
export async function refreshAction({ source, ids }: AdminInputs, body: Body, via: Request) {
  const label = body.id === undefined ? readText('key', body.key) : ids.labelOf(readText('id', body.id));
  if (label === undefined) throw new BadRequest('no listed entry has this id', 404);
  return { refreshed: await source.refresh(label, via) };
}

/** `POST cache/flush`: this namespace, nothing else. */
export async function flushAction({ source }: AdminInputs) {
  await source.clear();
  return { flushed: true };
}
