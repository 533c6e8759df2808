import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type PrototypeWatch, WatchedPrototypes } from './watched-prototype.js';

/** What a handler read of its request that the URL does not tell. */
export interface RequestReadings {
  /** Plain header fields, lower-case. */
  readonly fields: ReadonlySet<string>;
  /** Inputs that tell who is asking: `cookie`, `req.user`, `ip`, `res.locals.…`. */
  readonly identity: ReadonlySet<string>;
  /** All fields at once were read: nothing can be said to be left out. */
  readonly everything: boolean;
  /** The watch was broken off: nothing can be said of what was read since. */
  readonly isLost: boolean;
}

/** A request that is being watched while its handler runs. */
export interface ObservedRequest {
  readonly readings: RequestReadings;
  /** While paused nothing is recorded. */
  pause(isPaused: boolean): void;
  /** Ends the watch and puts every property back as it was, or as the handler left it. */
  stop(): void;
}

/** What a handler is shown of its request, and whether its readings are recorded. */
export interface ObserveOptions {
  /** Lower-case fields the handler is not to see. */
  readonly hidden: ReadonlySet<string>;
  /** Fields the handler sees in addition: the validators of the stored response that is being revalidated. */
  readonly added: Readonly<Record<string, string>>;
  /** `false` hides and adds fields, and records nothing. */
  readonly watch: boolean;
  /** The request has come to its app already, and keeps the prototype it has unless a mounted app takes it over. */
  readonly keepsPrototype?: boolean;
}

const IDENTITY_FIELDS = new Set(['cookie', 'authorization', 'proxy-authorization']);
// What the usual session and authentication middlewares leave on the request. Absence is an input as well: "nobody is logged in".
const IDENTITY_PROPERTIES = [
  'cookies',
  'signedCookies',
  'session',
  'sessionID',
  'user',
  'auth',
  'oidc',
  'account',
  'currentUser',
  'principal',
  'token',
];
// What each property tells when it is read.
const TOLD: ReadonlyMap<string, (recorder: Recorder) => void> = new Map([
  ...IDENTITY_PROPERTIES.map((name) => [name, (recorder: Recorder) => recorder.who(`req.${name}`)] as const),
  ...['ip', 'ips'].map((name) => [name, (recorder: Recorder) => recorder.who('ip')] as const),
  ['headersDistinct', (recorder: Recorder) => recorder.all()] as const,
]);
const WATCHED = [...TOLD.keys()];

/**
 * Watches what is read of a request until `stop`. Plain fields and identity inputs are kept apart, because the first can
 * join the key of what is stored and the second forbid storing it.
 */
export function observeRequest(req: IncomingMessage, locals: LocalsHolder, options: ObserveOptions): ObservedRequest {
  const recorder = new Recorder();
  recorders.set(req, recorder);
  const restore: (() => void)[] = [watchFields(req, options, recorder)];
  if (options.watch) {
    watchProperties(req, recorder, restore, options.keepsPrototype === true);
    restore.push(watchRawFields(req, recorder), watchAddress(req.socket, recorder), watchLocals(locals, recorder));
  }
  return {
    readings: recorder,
    pause: (isPaused) => {
      recorder.isPaused = isPaused;
    },
    stop: () => {
      recorder.stopped = true;
      for (const undo of restore.splice(0)) undo();
    },
  };
}

const recorders = new WeakMap<IncomingMessage, Recorder>();

/** Reads a request for a purpose that does not shape the answer: nothing is recorded meanwhile. `work` reads synchronously. */
export function unobserved<T>(req: IncomingMessage, work: () => T): T {
  const recorder = recorders.get(req);
  if (recorder === undefined || recorder.isPaused) return work();
  recorder.isPaused = true;
  try {
    return work();
  } finally {
    recorder.isPaused = false;
  }
}

/** Where Express keeps `res.locals`. */
export interface LocalsHolder {
  locals?: Record<string, unknown>;
}

class Recorder implements RequestReadings {
  readonly fields = new Set<string>();
  readonly identity = new Set<string>();
  everything = false;
  stopped = false;
  isPaused = false;
  watch: PrototypeWatch | undefined;

  get isLost(): boolean {
    return !this.stopped && this.watch?.isLost() === true;
  }

  field(name: string): void {
    if (this.stopped || this.isPaused) return;
    if (IDENTITY_FIELDS.has(name)) this.who(name);
    else if (!Object.hasOwn(Object.prototype, name)) this.fields.add(name);
  }

  /** An input that tells who is asking. */
  who(input: string): void {
    if (!this.stopped && !this.isPaused) this.identity.add(input);
  }

  all(): void {
    if (!this.stopped && !this.isPaused) this.everything = true;
  }
}

const watchedBy = new WeakMap<IncomingMessage, Recorder>();
const prototypes = new WatchedPrototypes(WATCHED, (req, name) => {
  const recorder = watchedBy.get(req as IncomingMessage);
  if (recorder !== undefined) tell(recorder, name);
});

function tell(recorder: Recorder, name: string): void {
  TOLD.get(name)?.(recorder);
}

/** Properties that are the request's own by accessors of their own, the others through its prototype. */
function watchProperties(
  req: IncomingMessage,
  recorder: Recorder,
  restore: (() => void)[],
  keepsPrototype: boolean,
): void {
  // A watch of the same request that is under way keeps the prototype for itself.
  const watch = watchedBy.has(req) || !keepsPrototype ? undefined : prototypes.watch(req);
  for (const name of WATCHED) {
    if (watch === undefined || Object.hasOwn(req, name))
      restore.push(watchProperty(req, name, () => tell(recorder, name)));
  }
  if (watch === undefined) return;
  watchedBy.set(req, recorder);
  recorder.watch = watch;
  restore.push(() => {
    watch.stop();
    watchedBy.delete(req);
  });
}

function watchFields(req: IncomingMessage, options: ObserveOptions, recorder: Recorder): () => void {
  const real = req.headers;
  const seen: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(real)) if (!options.hidden.has(name)) seen[name] = value;
  Object.assign(seen, options.added);
  const fields = options.watch ? new Proxy(seen, fieldTraps(recorder)) : seen;
  // Set, not defined: a request with a property of its own kind is slow to everybody who uses it.
  req.headers = fields as IncomingHttpHeaders;
  return () => {
    if (req.headers === fields) req.headers = real;
  };
}

function fieldTraps(recorder: Recorder): ProxyHandler<Record<string, unknown>> {
  const note = (name: string | symbol): void => {
    if (typeof name === 'string') recorder.field(name);
  };
  return {
    get: (fields, name) => {
      note(name);
      return Reflect.get(fields, name);
    },
    has: (fields, name) => {
      note(name);
      return Reflect.has(fields, name);
    },
    getOwnPropertyDescriptor: (fields, name) => {
      note(name);
      return Reflect.getOwnPropertyDescriptor(fields, name);
    },
    ownKeys: (fields) => {
      recorder.all();
      return Reflect.ownKeys(fields);
    },
  };
}

/** Records reads of a property, wherever it comes from. Whoever sets it ends the watch of it: then it is no input any more. */
function watchProperty(target: object, name: string, record: () => void): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  if (own?.configurable === false) return () => {};
  const read =
    own === undefined ? () => Reflect.get(Object.getPrototypeOf(target), name, target) : () => readOwn(target, own);
  let replaced = false;
  Object.defineProperty(target, name, {
    configurable: true,
    enumerable: own?.enumerable ?? false,
    get: () => {
      record();
      return read();
    },
    set: (value) => {
      replaced = true;
      Object.defineProperty(target, name, { configurable: true, enumerable: true, writable: true, value });
    },
  });
  return () => {
    if (replaced) return;
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

function readOwn(target: object, own: PropertyDescriptor): unknown {
  return own.get === undefined ? own.value : own.get.call(target);
}

/** The list of all fields as they were sent: whoever looks at any of it may have looked at all. */
function watchRawFields(req: IncomingMessage, recorder: Recorder): () => void {
  const real = req.rawHeaders;
  const seen = new Proxy(real, {
    get: (fields, name) => {
      recorder.all();
      return Reflect.get(fields, name);
    },
    ownKeys: (fields) => {
      recorder.all();
      return Reflect.ownKeys(fields);
    },
    getOwnPropertyDescriptor: (fields, name) => {
      recorder.all();
      return Reflect.getOwnPropertyDescriptor(fields, name);
    },
  });
  req.rawHeaders = seen;
  return () => {
    if (req.rawHeaders === seen) req.rawHeaders = real;
  };
}

const recordersOf = new WeakMap<Socket, Set<Recorder>>();

const addresses = new WatchedPrototypes(['remoteAddress'], (socket) => {
  for (const recorder of recordersOf.get(socket as Socket) ?? []) recorder.who('ip');
});

// Pipelined requests share a socket, so its reads count for every request that is being watched on it. The watch stays for as
// long as the socket does. An accessor of the socket's own would make everything that is done with it slow, hits included.
function watchAddress(socket: Socket | undefined | null, recorder: Recorder): () => void {
  if (!socket) return () => {};
  let watching = recordersOf.get(socket);
  if (watching === undefined) {
    const recorders = new Set<Recorder>();
    recordersOf.set(socket, recorders);
    watching = recorders;
    if (!Object.hasOwn(socket, 'remoteAddress')) addresses.watch(socket);
    else
      watchProperty(socket, 'remoteAddress', () => {
        for (const one of recorders) one.who('ip');
      });
  }
  const recorders = watching;
  recorders.add(recorder);
  return () => void recorders.delete(recorder);
}

/** `res.locals` as it was before the cache; what the handler itself puts there is its own business. */
function watchLocals(holder: LocalsHolder, recorder: Recorder): () => void {
  const real = holder.locals;
  if (real === undefined || real === null) return () => {};
  const before = new Set(Object.keys(real));
  const note = (name: string | symbol): void => {
    if (typeof name === 'string' && !written.has(name)) recorder.who(`res.locals.${name.slice(0, 60)}`);
  };
  const written = new Set<string | symbol>();
  const locals = new Proxy(real, {
    get: (target, name) => {
      note(name);
      return Reflect.get(target, name);
    },
    has: (target, name) => {
      note(name);
      return Reflect.has(target, name);
    },
    ownKeys: (target) => {
      for (const name of before) note(name);
      return Reflect.ownKeys(target);
    },
    set: (target, name, value) => {
      written.add(name);
      return Reflect.set(target, name, value);
    },
  });
  holder.locals = locals;
  return () => {
    if (holder.locals === locals) holder.locals = real;
  };
}
