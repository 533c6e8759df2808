import { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';

const { writeHead } = ServerResponse.prototype;

/** The proof as a process makes it that loads the package now. */
async function proof(): Promise<boolean> {
  vi.resetModules();
  const { isAsNodeDoes } = await import('../../lib/middleware/answer-proof.js');
  return isAsNodeDoes();
}

afterEach(() => {
  ServerResponse.prototype.writeHead = writeHead;
  Reflect.deleteProperty(ServerResponse.prototype, 'end');
});

describe('the proof that an answer may leave in one write', () => {
  it('holds on this Node', async () => {
    expect(await proof()).toBe(true);
  });

  it('fails where somebody replaced writeHead for all responses before', async () => {
    ServerResponse.prototype.writeHead = function (this: ServerResponse, ...args: unknown[]) {
      return (writeHead as (...all: unknown[]) => ServerResponse).apply(this, args);
    } as ServerResponse['writeHead'];
    expect(await proof()).toBe(false);
  });

  it('fails where somebody gave responses an end of their own', async () => {
    ServerResponse.prototype.end = function (this: ServerResponse) {
      return this;
    } as ServerResponse['end'];
    expect(await proof()).toBe(false);
  });

  it('fails where Node leaves something behind that this package does not', async () => {
    ServerResponse.prototype.writeHead = function (this: ServerResponse, status: number) {
      // By its text Node's own, as that of a later version might be.
      const node = this as unknown as { _storeHeader(line: string): void };
      if (status === 0) node._storeHeader('');
      Object.assign(this, { _news: status });
      return writeHead.call(this, status);
    } as ServerResponse['writeHead'];
    expect(await proof()).toBe(false);
  });
});
