import { IncomingMessage, ServerResponse } from 'node:http';

/** What a server makes of each request to an app. Both can be handed to Node's `http.createServer`. */
export interface AppMessages {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
}

/** An Express app as far as its requests and responses go: what it gives each of them as prototype. */
interface WithPrototypes {
  request: object;
  response: object;
  [MADE]?: AppMessages;
}

// One per app, whoever made them: the package may be loaded twice, as an ES module and by `require`.
const MADE: unique symbol = Symbol.for('warmpath.messages') as never;

/**
 * Classes of requests and responses that have the prototypes Express gives them from the beginning. Express finds nothing to
 * change then: a change costs a tenth of a request, and before V8 12 (Node 24) makes all that is done with it afterwards
 * several times slower. `app.request` and `app.response` become the prototypes of these classes and inherit from what they
 * were. `undefined`: this is no Express app.
 */
export function appMessages(app: unknown): AppMessages | undefined {
  if (!isExpress(app)) return undefined;
  const made = app[MADE];
  if (made !== undefined) return made;
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage> extends ServerResponse<R> {}
  const messages: AppMessages = Object.freeze({ IncomingMessage: AppRequest, ServerResponse: AppResponse });
  app.request = inPlaceOf(app.request, AppRequest.prototype);
  app.response = inPlaceOf(app.response, AppResponse.prototype);
  Object.defineProperty(app, MADE, { value: messages });
  return messages;
}

function isExpress(app: unknown): app is WithPrototypes {
  if (typeof app !== 'function') return false;
  const { request, response } = app as Partial<WithPrototypes>;
  return isKindOf(request, IncomingMessage) && isKindOf(response, ServerResponse);
}

function isKindOf(prototype: unknown, base: { readonly prototype: object }): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.prototype.isPrototypeOf.call(base.prototype, prototype)
  );
}

// Own properties are copied: an app that is mounted later makes its prototypes inherit from those of the other app.
function inPlaceOf(before: object, prototype: object): object {
  Reflect.deleteProperty(prototype, 'constructor');
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(before));
  return Object.setPrototypeOf(prototype, before) as object;
}

/** A server of Node's, by the names under which it keeps what it makes. */
type Maker = Record<symbol, unknown>;

/**
 * Has a server make an app's own requests and responses from now on. Node keeps its classes under symbols that are
 * documented nowhere. `false`, and nothing done: they are not there, or somebody else's classes are.
 */
export function makeMessagesOf(app: unknown, server: object): boolean {
  const maker = server as Maker;
  const [ofRequest, ofResponse] = [keyOf(server, 'IncomingMessage'), keyOf(server, 'ServerResponse')];
  if (ofRequest === undefined || ofResponse === undefined) return false;
  const makes = (made: AppMessages): boolean =>
    maker[ofRequest] === made.IncomingMessage && maker[ofResponse] === made.ServerResponse;
  if (!makes({ IncomingMessage, ServerResponse })) return isExpress(app) && app[MADE] !== undefined && makes(app[MADE]);
  const messages = appMessages(app);
  if (messages === undefined) return false;
  maker[ofRequest] = messages.IncomingMessage;
  maker[ofResponse] = messages.ServerResponse;
  return true;
}

function keyOf(server: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(server).find(({ description }) => description === name);
}
