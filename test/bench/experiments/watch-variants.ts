// What it costs to notice which inputs of a request its handler reads, by how the watch is put on and taken off.
import type { IncomingMessage, RequestListener } from 'node:http';
import express, { type Request, type RequestHandler } from 'express';
import type { VariantFactory } from '../harness/serve.js';
import { jsonBody } from '../variants/fixtures.js';

const body = jsonBody(1024);
const NAMES =
  'cookies signedCookies session sessionID user auth oidc account currentUser principal token ip ips rawHeaders headersDistinct'.split(
    ' ',
  );

class Recorder {
  readonly seen = new Set<string>();
  stopped = false;
  who(name: string): void {
    if (!this.stopped) this.seen.add(name);
  }
}

/** An accessor per property and request, closures of its own, deleted afterwards. */
function ownAccessors(req: IncomingMessage, recorder: Recorder, undo: boolean): () => void {
  const names = NAMES.map((name) => {
    Object.defineProperty(req, name, {
      configurable: true,
      enumerable: false,
      get: () => {
        recorder.who(name);
        return Reflect.get(Object.getPrototypeOf(req), name, req);
      },
      set: (value) => {
        Object.defineProperty(req, name, { configurable: true, enumerable: true, writable: true, value });
      },
    });
    return name;
  });
  return () => {
    recorder.stopped = true;
    if (undo) for (const name of names) Reflect.deleteProperty(req, name);
  };
}

const recorders = new WeakMap<object, Recorder>();

function sharedDescriptors(): PropertyDescriptorMap {
  const descriptors: PropertyDescriptorMap = {};
  for (const name of NAMES) {
    descriptors[name] = {
      configurable: true,
      enumerable: false,
      get(this: object) {
        recorders.get(this)?.who(name);
        return Reflect.get(Object.getPrototypeOf(this), name, this);
      },
      set(this: object, value) {
        Object.defineProperty(this, name, { configurable: true, enumerable: true, writable: true, value });
      },
    };
  }
  return descriptors;
}
const descriptors = sharedDescriptors();

/** The same accessors for all requests, defined in one go and left behind. */
function sharedAccessors(req: IncomingMessage, recorder: Recorder): () => void {
  recorders.set(req, recorder);
  Object.defineProperties(req, descriptors);
  return () => {
    recorder.stopped = true;
  };
}

const watchedPrototypes = new WeakMap<object, object>();

/** One prototype with the accessors between the request and its own prototype. */
function byPrototype(req: IncomingMessage, recorder: Recorder): () => void {
  const proto = Object.getPrototypeOf(req) as object;
  let watched = watchedPrototypes.get(proto);
  if (!watched) {
    const made: PropertyDescriptorMap = {};
    for (const name of NAMES) {
      made[name] = {
        configurable: true,
        get(this: object) {
          recorders.get(this)?.who(name);
          return Reflect.get(proto, name, this);
        },
        set(this: object, value) {
          Object.defineProperty(this, name, { configurable: true, enumerable: true, writable: true, value });
        },
      };
    }
    watched = Object.create(proto, made) as object;
    watchedPrototypes.set(proto, watched);
  }
  recorders.set(req, recorder);
  Object.setPrototypeOf(req, watched);
  return () => {
    recorder.stopped = true;
    Object.setPrototypeOf(req, proto);
  };
}

type Watch = (req: Request, recorder: Recorder) => () => void;

function app(watch: Watch | undefined): RequestListener {
  const made = express();
  if (watch) {
    const middleware: RequestHandler = (req, res, next) => {
      const stop = watch(req, new Recorder());
      const end = res.end;
      res.end = ((chunk: Buffer) => {
        stop();
        return end.call(res, chunk, 'latin1');
      }) as typeof res.end;
      next();
    };
    made.use(middleware);
  } else {
    made.use((_req, res, next) => {
      const end = res.end;
      res.end = ((chunk: Buffer) => end.call(res, chunk, 'latin1')) as typeof res.end;
      next();
    });
  }
  made.get('/movies/:id', (_req, res) => {
    res.set({ 'Content-Type': 'application/json', 'Cache-Control': 'public, max-age=60' }).send(body);
  });
  return made as unknown as RequestListener;
}

const watches: Record<string, Watch | undefined> = {
  'no watch': undefined,
  'own accessors, deleted': (req, recorder) => ownAccessors(req, recorder, true),
  'own accessors, left': (req, recorder) => ownAccessors(req, recorder, false),
  'shared accessors, left': sharedAccessors,
  'prototype, put back': byPrototype,
};
export const names = Object.keys(watches);
export const variants: Record<string, VariantFactory> = Object.fromEntries(
  Object.entries(watches).map(([name, watch]) => [name, () => ({ listener: app(watch) })]),
);
