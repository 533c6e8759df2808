import type { Preferences } from '../data/members.js';
import { Fields } from './fields.js';
import { PAGE_SIZE } from './film-input.js';

/** Reads the preferences that a body gives; throws a 400 naming the bad ones. */
export function preferenceChanges(body: unknown): Partial<Preferences> {
  const fields = Fields.ofBody(body, ['language', 'theme', 'pageSize', 'favouriteGenres']);
  const changes = {
    language: fields.text('language', 35),
    theme: fields.choice('theme', ['light', 'dark', 'system']),
    pageSize: fields.whole('pageSize', { min: 1, max: PAGE_SIZE.max }),
    favouriteGenres: fields.textList('favouriteGenres', 20, 40),
  };
  fields.check();
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<Preferences>;
}
