import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** ioredis, loaded when it is first needed: it alone takes longer than importing the whole rest of this package. */
export function ioredis(): typeof import('ioredis') {
  return load('ioredis');
}
