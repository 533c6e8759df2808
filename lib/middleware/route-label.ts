import type { Request } from 'express';
import { mountPattern, type RouteLike } from './mount-pattern.js';

/** The label of a request no route matched. */
export const UNMATCHED = 'unmatched';

const MAX_BASES = 64;
const MAX_MOUNTS = 32;
const MAX_LABEL = 120;

interface KnownLabels {
  readonly byBase: Map<string, string>;
  readonly distinct: Set<string>;
}

const labelsOfRoute = new WeakMap<object, KnownLabels>();

/**
 * The pattern of the route that matched, mount path included: `/users/:id/posts`, else `unmatched`. Never a part of
 * the path that a client could choose: `req.baseUrl` is such a part when a router is mounted under a parameter.
 */
export function routeLabel(req: Request): string {
  const route = req.route as RouteLike | undefined;
  if (!route) return UNMATCHED;
  const known = labelsOfRoute.get(route);
  return known?.byBase.get(req.baseUrl) ?? learnLabel(req, route, known);
}

function learnLabel(req: Request, route: RouteLike, known?: KnownLabels): string {
  const { byBase, distinct } = known ?? { byBase: new Map<string, string>(), distinct: new Set<string>() };
  if (!known) labelsOfRoute.set(route, { byBase, distinct });
  let label = composeLabel(req, route);
  // A mount by a regular expression can look different each time where the router does not tell the expression.
  if (distinct.size >= MAX_MOUNTS && !distinct.has(label)) label = `*${patternText(route.path)}`;
  else distinct.add(label);
  // A router mounted under a parameter has as many base URLs as the parameter has values: forget, do not grow.
  if (byBase.size >= MAX_BASES) byBase.clear();
  byBase.set(req.baseUrl, label);
  return label;
}

function composeLabel(req: Request, route: RouteLike): string {
  const own = patternText(route.path);
  if (req.baseUrl === '') return own;
  const mount = mountPattern(req, route);
  if (mount === undefined) return UNMATCHED;
  return (own === '/' ? mount || '/' : mount + own).slice(0, MAX_LABEL);
}

/** A pattern as a label: what the developer wrote, alternatives joined by `|`. */
export function patternText(pattern: unknown): string {
  if (Array.isArray(pattern)) return pattern.map(patternText).join('|').slice(0, MAX_LABEL);
  return String(pattern).slice(0, MAX_LABEL);
}
