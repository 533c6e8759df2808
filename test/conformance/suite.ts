import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { setBaseUrl, setFetch, setUseBrowserCache } from 'http-cache-tests/client/config.mjs';
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs';
import handleConfig from 'http-cache-tests/server/handle-config.mjs';
import handleState from 'http-cache-tests/server/handle-state.mjs';
import handleTest from 'http-cache-tests/server/handle-test.mjs';
import suites from 'http-cache-tests/tests/index.mjs';
import fetch from 'node-fetch';

/** A case of the suite. `kind` is `required` where the suite names none. */
export interface SuiteCase {
  readonly id: string;
  readonly name: string;
  readonly kind: 'required' | 'optimal' | 'check';
  readonly dependsOn: readonly string[];
}

/** Outcome of a case as the suite's client reports it: `true`, or the error's name and message. */
export type RawResult = true | readonly [name: string, message: string];

/** The cases that apply to a shared cache, as on the suite's site: all but those only a browser can run. */
export const CASES: readonly SuiteCase[] = suites
  .flatMap((suite) => suite.tests)
  .filter((test) => test.browser_only !== true)
  .map(({ id, name, kind = 'required', depends_on: dependsOn = [] }) => ({ id, name, kind, dependsOn }));

/** Runs the suite's client against an Express app: `layer` in front of the suite's own handler. One run at a time. */
export async function runSuite(layer: RequestHandler, only?: readonly string[]): Promise<Map<string, RawResult>> {
  const server = createServer(express().use(layer).use(originHandler)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  setFetch(fetch);
  setUseBrowserCache(false);
  setBaseUrl(`http://127.0.0.1:${port}`);
  try {
    await quietly(() => runCases(only));
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return new Map(Object.entries(testResults));
}

// What the suite's runner.mjs does, except that it can be done twice: that one keeps every case it ever ran. All cases
// run at once, since most of their time is a pause. The client writes into the cases it is given, hence the copies.
async function runCases(only: readonly string[] | undefined): Promise<void> {
  for (const id of Object.keys(testResults)) delete testResults[id];
  const ids = new Set(only ?? CASES.map(({ id }) => id));
  const selected = suites.flatMap((suite) => suite.tests).filter(({ id }) => ids.has(id));
  await Promise.all(selected.map((test) => makeCacheTest(structuredClone(test))));
}

// As the suite's server.mjs, which is no module to import: it listens by itself.
const originHandler: RequestHandler = (request, response) => {
  const [, area, ...segments] = new URL(request.url, 'http://localhost').pathname.split('/');
  if (area === 'config') handleConfig(segments, request, response);
  else if (area === 'test') handleTest(segments, request, response);
  else if (area === 'state') handleState(segments, request, response);
  else response.status(404).end();
};

// The suite's handlers print a line per odd request.
async function quietly(run: () => Promise<void>): Promise<void> {
  const { log } = console;
  console.log = () => {};
  try {
    await run();
  } finally {
    console.log = log;
  }
}
