import { expectTypeOf, it } from 'vitest';
import { type Cache, configFromEnv, createCache, type Duration } from '../../lib/index.js';
import type { Film, uses } from './fixtures/typed-uses.js';

it('types go from end to end', () => {
  type Uses = ReturnType<typeof uses>;
  expectTypeOf<Uses['wrapped']>().returns.resolves.toBeNumber();
  expectTypeOf<Uses['written']>().returns.resolves.toEqualTypeOf<{ id: number }>();
  expectTypeOf<Uses['find']>().parameters.toEqualTypeOf<[id: number, deep?: boolean | undefined]>();
  expectTypeOf<Uses['find']>().returns.resolves.toEqualTypeOf<{ id: number; deep: boolean }>();
  expectTypeOf<Uses['find']['invalidate']>().parameters.toEqualTypeOf<[id: number, deep?: boolean | undefined]>();
  expectTypeOf<Uses['films']['findById']>().parameters.toEqualTypeOf<[id: number]>();
  expectTypeOf<Uses['films']['findById']>().returns.resolves.toEqualTypeOf<Film | undefined>();
  expectTypeOf<Uses['films']['findMany']>().returns.resolves.toEqualTypeOf<(Film | undefined)[]>();
  expectTypeOf<Uses['films']['findAll']>().parameters.toEqualTypeOf<[filter: { genre?: string }]>();
  expectTypeOf<Uses['films']['findAll']>().returns.resolves.toEqualTypeOf<{ rows: { id: number }[]; total: number }>();
  expectTypeOf<Uses['push']>().parameters.toEqualTypeOf<[item: Film]>();
  const ttl = () => configFromEnv({}, { ttl: { movie: '1h' } }).ttl;
  expectTypeOf(ttl).returns.toEqualTypeOf<{ readonly movie: Duration }>();
  expectTypeOf(createCache).returns.toEqualTypeOf<Cache>();
});
