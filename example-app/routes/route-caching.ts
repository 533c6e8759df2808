import type { RequestHandler } from 'express';

type Handlers = readonly RequestHandler[];

/** What stands before each handler of the film routes. */
export type FilmCaching = Readonly<
  Record<'list' | 'popular' | 'film' | 'create' | 'update' | 'remove' | 'rate', Handlers>
>;

export type CatalogueCaching = Readonly<Record<'genres' | 'stats' | 'manifest', Handlers>>;

export type MemberCaching = Readonly<Record<'preferences' | 'savePreferences' | 'history', Handlers>>;

export interface RouteCaching {
  readonly films: FilmCaching;
  readonly catalogue: CatalogueCaching;
  readonly members: MemberCaching;
}

/** The app as it was before it had a cache. */
export const uncached: RouteCaching = {
  films: { list: [], popular: [], film: [], create: [], update: [], remove: [], rate: [] },
  catalogue: { genres: [], stats: [], manifest: [] },
  members: { preferences: [], savePreferences: [], history: [] },
};
