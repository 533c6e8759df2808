// What Node and Express can do without any cache: the measure of everything else.
import type { RequestListener, ServerResponse } from 'node:http';
import compression from 'compression';
import express from 'express';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import { startVarnish } from '../harness/varnish.js';
import { body, countRuns, hitBody, hitHeaders, originHeaders, originRan, text } from './environment.js';
import { originWork } from './origin-work.js';

const entries = Object.entries(hitHeaders);
const flat = entries.flat();

function writeConstant(res: ServerResponse): void {
  for (const [name, value] of entries) res.setHeader(name, value);
  res.end(hitBody);
}

/** The bare route of the budgets: a constant buffer and the same header fields as a hit. */
function bareRoute(): ServedVariant {
  const app = express();
  app.get('/movies/:id', (_req, res) => writeConstant(res));
  return { listener: app as unknown as RequestListener };
}

const rawHttp: RequestListener = (_req, res) => {
  res.writeHead(200, flat);
  res.end(hitBody);
};

/** The least that telling a client of an unchanged answer can cost: the same fields, no body, nothing compared. */
const rawUnchanged: RequestListener = (_req, res) => {
  res.writeHead(304, flat);
  res.end();
};

/** The least a cache can do: a Map by URL, mounted by `app.use`, nothing checked. */
function minimalCache(): ServedVariant {
  const app = express();
  const stored = new Map<string, { headers: typeof hitHeaders; body: Buffer }>();
  app.use((req, res, next) => {
    const hit = stored.get(req.originalUrl);
    if (hit) {
      res.writeHead(200, hit.headers as Record<string, string>);
      res.end(hit.body);
      return;
    }
    stored.set(req.originalUrl, { headers: hitHeaders, body: hitBody });
    next();
  });
  app.get('/movies/:id', (_req, res) => writeConstant(res));
  return { listener: app as unknown as RequestListener };
}

/** An origin as people write it. */
function plainOrigin(): ServedVariant {
  const app = express();
  app.get('/movies/:id', (_req, res) => {
    originRan();
    res.set(originHeaders).send(text);
  });
  return { listener: app as unknown as RequestListener, questions: countRuns };
}

/** The same route whose handler works for about a millisecond. */
function workingOrigin(): ServedVariant {
  const app = express();
  app.get('/movies/:id', (_req, res) => {
    originWork();
    res.set(originHeaders).send(text);
  });
  return { listener: app as unknown as RequestListener };
}

function compressed(): ServedVariant {
  const app = express();
  app.use(compression());
  app.get('/movies/:id', (_req, res) => {
    res.set(originHeaders).send(body);
  });
  return { listener: app as unknown as RequestListener };
}

export const variants: Record<string, VariantFactory> = {
  'express route': bareRoute,
  'express route, again': bareRoute,
  'raw http, 304': () => ({ listener: rawUnchanged }),
  'raw http': () => ({ listener: rawHttp }),
  'minimal cache': minimalCache,
  'express origin': plainOrigin,
  varnish: () => ({ ...plainOrigin(), front: startVarnish }),
  'express origin, 1 ms': workingOrigin,
  'express origin, 1 ms, again': workingOrigin,
  'express + compression': compressed,
};
