import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { HeadText, opened } from './head-text.js';
import { endWith, sendKnown } from './known-answer.js';
import { type HeadForm, type HeadNews, headForm, keepOn, keptOn, linesOf, putNews } from './prepared-head.js';

let isProven: boolean | undefined;

/**
 * Whether a response is left by {@link sendKnown} as Node's own `writeHead` and `end` leave it, byte by byte and property
 * by property. Tried once per process: what Node keeps under which name is documented nowhere.
 */
export function isAsNodeDoes(): boolean {
  isProven ??= isPrototypeUntouched() && provesEqual('ok') && provesEqual(undefined) && provesEqual(Buffer.alloc(8192));
  return isProven;
}

// Who replaced it before this package was loaded wants to see every head, and calls Node's own instead of being it.
function isPrototypeUntouched(): boolean {
  const { writeHead } = ServerResponse.prototype;
  return (
    Function.prototype.toString.call(writeHead).includes('._storeHeader(') &&
    !Object.hasOwn(ServerResponse.prototype, 'end')
  );
}

function provesEqual(body: Buffer | string | undefined): boolean {
  try {
    const status = body === undefined ? 304 : 200;
    const news: HeadNews = { age: '1', cacheStatus: 'probe; hit', statusHeader: 'X-Probe', word: 'hit' };
    const kept = (): HeadForm => {
      const res = probeResponse();
      res.setHeader('etag', '"a"');
      if (body !== undefined) res.setHeader('content-length', String(body.length));
      const form = headForm({ ...keptOn(res) }, news.statusHeader);
      putNews(form.kept, news);
      return form;
    };
    const form = kept();
    const byNode = probeResponse();
    keepOn(byNode, form.kept);
    byNode.writeHead(status);
    form.text = HeadText.learn(opened(byNode), linesOf(news));
    endWith(byNode, body);
    // The second answer with the same head makes one piece of it and its body.
    if (Buffer.isBuffer(body) && !sendKnown(probeResponse(), status, form, news.age, news.cacheStatus, news.word, body))
      return false;
    const byUs = probeResponse();
    if (!sendKnown(byUs, status, form, news.age, news.cacheStatus, news.word, body)) return false;
    return written(byNode) === written(byUs) && sameState(byNode, byUs);
  } catch {
    return false; // this Node is another than those this was written for: the documented way is taken
  }
}

function probeResponse(): ServerResponse {
  const req = new IncomingMessage(new Socket());
  req.method = 'GET';
  req.httpVersionMajor = 1;
  req.httpVersionMinor = 1;
  const res = new ServerResponse(req);
  res.shouldKeepAlive = true;
  return res;
}

interface Waiting {
  readonly outputData: readonly { readonly data: Buffer | string }[];
}

const withoutDate = (text: string): string => text.replace(/\r\nDate: [^\r]*/, '');

// Without a connection Node keeps what it would have written.
function written(res: ServerResponse): string {
  return withoutDate(
    (res as unknown as Waiting).outputData
      .map(({ data }) => (typeof data === 'string' ? data : data.toString('latin1')))
      .join(''),
  );
}

function sameState(a: ServerResponse, b: ServerResponse): boolean {
  const [one, other] = [a, b] as unknown as Record<string | symbol, unknown>[];
  const names = Reflect.ownKeys(a);
  if (names.length !== Reflect.ownKeys(b).length || one === undefined || other === undefined) return false;
  return names.every((name) => {
    const [left, right] = [one[name], other[name]];
    if (name === '_header') return withoutDate(String(left)) === withoutDate(String(right));
    return typeof left === 'object' || typeof left === 'function' || left === right;
  });
}
