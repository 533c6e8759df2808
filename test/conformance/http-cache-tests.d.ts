// The suite ships no types; these are the parts of it that the runner calls.

declare module 'http-cache-tests/client/config.mjs' {
  export function setFetch(fetch: unknown): void;
  export function setBaseUrl(url: string): void;
  export function setUseBrowserCache(used: boolean): void;
}

declare module 'http-cache-tests/client/test.mjs' {
  export const testResults: Record<string, true | readonly [name: string, message: string]>;
  export function makeCacheTest(test: unknown): Promise<void>;
}

declare module 'http-cache-tests/tests/index.mjs' {
  const suites: readonly {
    readonly id: string;
    readonly name: string;
    readonly tests: readonly {
      readonly id: string;
      readonly name: string;
      readonly kind?: 'required' | 'optimal' | 'check';
      readonly depends_on?: readonly string[];
      readonly browser_only?: boolean;
    }[];
  }[];
  export default suites;
}

declare module 'http-cache-tests/server/handle-config.mjs' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  export default function handleConfig(segments: string[], request: IncomingMessage, response: ServerResponse): void;
}

declare module 'http-cache-tests/server/handle-test.mjs' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  export default function handleTest(segments: string[], request: IncomingMessage, response: ServerResponse): void;
}

declare module 'http-cache-tests/server/handle-state.mjs' {
  import type { IncomingMessage, ServerResponse } from 'node:http';
  export default function handleState(segments: string[], request: IncomingMessage, response: ServerResponse): void;
}

declare module 'node-fetch' {
  const fetch: (url: string, init?: object) => Promise<unknown>;
  export default fetch;
}
