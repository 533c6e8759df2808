import type { Request } from 'express';

/** What of Express' route object is read here. */
export interface RouteLike {
  readonly path: unknown;
}

// The shape shared by the routers of Express 4 and 5; only what is read here, all of it optional.
interface Layer {
  readonly route?: unknown;
  readonly name?: string;
  readonly handle?: { readonly stack?: readonly Layer[] };
  match?(path: string): unknown;
  params?: Readonly<Record<string, unknown>> | undefined;
  path?: string | undefined;
}
interface App {
  readonly parent?: App;
  readonly router?: { readonly stack?: readonly Layer[] };
  readonly _router?: { readonly stack?: readonly Layer[] };
}
interface Match {
  readonly path: string;
  readonly pattern: string;
}
interface Search {
  readonly route: RouteLike;
  /** Mounted applications still to be entered, outermost first. */
  readonly apps: readonly App[];
  readonly budget: { visits: number };
}

const MAX_VISITS = 2000;

/**
 * The pattern under which the router of `route` is mounted: `/users/:id` where `req.baseUrl` is `/users/42`.
 * Found by matching the base URL against the application's own layers; `undefined` when they do not lead to the route.
 */
export function mountPattern(req: Request, route: RouteLike): string | undefined {
  const apps = appChain(req.app as unknown as App);
  const outermost = apps[0];
  if (!outermost) return undefined;
  return descend(stackOf(outermost), req.baseUrl, { route, apps: apps.slice(1), budget: { visits: MAX_VISITS } });
}

function appChain(app: App | undefined): App[] {
  const chain: App[] = [];
  for (let one = app; one && chain.length < 10; one = one.parent) chain.unshift(one);
  return chain;
}

// Express 4 throws when `app.router` is read, so its own field is looked at first.
function stackOf(app: App): readonly Layer[] {
  return (app._router ?? app.router)?.stack ?? [];
}

function descend(stack: readonly Layer[], rest: string, search: Search): string | undefined {
  for (const layer of stack) {
    if (--search.budget.visits < 0) return undefined;
    if (layer.route === search.route && rest === '') return '';
    const inner = innerStack(layer, search);
    const match = inner && matchLayer(layer, rest === '' ? '/' : rest);
    if (!inner || !match) continue;
    const found = descend(inner.stack, rest.slice(match.path.length), { ...search, apps: inner.apps });
    if (found !== undefined) return match.pattern + found;
  }
  return undefined;
}

function innerStack(layer: Layer, search: Search): { stack: readonly Layer[]; apps: readonly App[] } | undefined {
  if (layer.route) return undefined;
  if (layer.handle?.stack) return { stack: layer.handle.stack, apps: search.apps };
  const app = layer.name === 'mounted_app' ? search.apps[0] : undefined;
  return app && { stack: stackOf(app), apps: search.apps.slice(1) };
}

function matchLayer(layer: Layer, path: string): Match | undefined {
  let matched: unknown;
  try {
    matched = layer.match?.(path);
  } catch {
    return undefined; // a base URL that does not decode names no mount
  }
  if (!matched) return undefined;
  // Newer routers return the match, older ones leave it on the layer.
  const { path: text = '', params, pattern } = (matched === true ? layer : matched) as Layer & { pattern?: unknown };
  const base = text.endsWith('/') ? text.slice(0, -1) : text;
  if (base === '') return { path: '', pattern: '' };
  return { path: base, pattern: written(pattern) ?? patternFrom(base, params ?? {}) };
}

function written(pattern: unknown): string | undefined {
  if (pattern instanceof RegExp) return String(pattern);
  if (typeof pattern !== 'string') return undefined;
  return pattern.length > 1 && pattern.endsWith('/') ? pattern.slice(0, -1) : pattern;
}

// Without the developer's text: the matched path with each parameter's value replaced by its name. Lower case, because
// clients choose the case of a literal that Express matches without regard to it.
function patternFrom(path: string, params: Readonly<Record<string, unknown>>): string {
  const segments = path.split('/').map(decoded);
  const names = segments.map((segment) => segment.toLowerCase());
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== 'string' || value === '') continue;
    const whole = segments.indexOf(value);
    const index = whole >= 0 ? whole : segments.findIndex((segment) => segment.includes(value));
    if (index >= 0) names[index] = `:${name}`;
  }
  return names.join('/');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
