import type { Request } from 'express';
import { type FilmQuery, SORTS } from '../data/movies.js';
import type { FilmRecord } from '../data/repair.js';
import { Fields } from './fields.js';

export const PAGE_SIZE = { default: 20, max: 100 } as const;

/** `popular` is what many type first for the same order. */
const SORT_WORDS = [...SORTS, 'popular'] as const;

/** Reads `?page&pageSize&sort&order&genre&search`; throws a 400 naming the bad fields. */
export function filmQuery(query: Request['query']): FilmQuery {
  const fields = Fields.ofText(query);
  const page = fields.whole('page', { min: 1, max: 10_000 }) ?? 1;
  const pageSize = fields.whole('pageSize', { min: 1, max: PAGE_SIZE.max }) ?? PAGE_SIZE.default;
  const word = fields.choice('sort', SORT_WORDS) ?? 'title';
  const sort = word === 'popular' ? 'popularity' : word;
  const order = fields.choice('order', ['asc', 'desc']) ?? (sort === 'title' ? 'asc' : 'desc');
  const genre = fields.text('genre', 40);
  const search = fields.text('search', 100);
  fields.check();
  return { page, pageSize, sort, order, genre, search };
}

/** The `:id` of a film's path. */
export function filmId(params: Request['params']): number {
  const fields = Fields.ofText(params);
  const id = fields.whole('id', { min: 1, max: 2 ** 31 - 1 });
  fields.require('id');
  fields.check();
  return id ?? 0;
}

const DOLLARS = { min: 0, max: 1e12 };
const FILM_FIELDS = [
  'title',
  'releaseDate',
  'genre',
  'director',
  'distributor',
  'mpaaRating',
  'creativeType',
  'source',
  'runningMinutes',
  'budget',
  'usGross',
  'worldwideGross',
  'rottenTomatoes',
  'imdbRating',
  'imdbVotes',
] as const satisfies readonly (keyof FilmRecord)[];

/** Reads the fields of a film that a body gives; throws a 400 naming the bad ones. */
export function filmChanges(body: unknown): Partial<FilmRecord> {
  const fields = Fields.ofBody(body, FILM_FIELDS);
  const text = (field: string) => fields.nullable(field, () => fields.text(field, 200));
  const whole = (field: string, max: number) => fields.nullable(field, () => fields.whole(field, { min: 0, max }));
  const dollars = (field: string) => whole(field, DOLLARS.max);
  const changes = {
    title: fields.text('title', 200),
    releaseDate: fields.nullable('releaseDate', (field) => fields.date(field)),
    genre: fields.nullable('genre', (field) => fields.text(field, 40)),
    director: text('director'),
    distributor: text('distributor'),
    mpaaRating: text('mpaaRating'),
    creativeType: text('creativeType'),
    source: text('source'),
    runningMinutes: whole('runningMinutes', 1000),
    budget: dollars('budget'),
    usGross: dollars('usGross'),
    worldwideGross: dollars('worldwideGross'),
    rottenTomatoes: whole('rottenTomatoes', 100),
    imdbRating: fields.nullable('imdbRating', (field) => fields.decimal(field, { min: 0, max: 10 })),
    imdbVotes: whole('imdbVotes', Number.MAX_SAFE_INTEGER),
  };
  fields.check();
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as Partial<FilmRecord>;
}

/** The body of a new film: a title, and whatever else is known. */
export function newFilm(body: unknown): FilmRecord {
  const changes = filmChanges(body);
  if (changes.title === undefined) {
    const fields = Fields.ofBody(body, FILM_FIELDS);
    fields.require('title');
    fields.check();
  }
  const unknown = Object.fromEntries(FILM_FIELDS.map((field) => [field, null]));
  return { ...unknown, ...changes } as FilmRecord;
}

/** The score of a rating, 1 to 10. */
export function ratingScore(body: unknown): number {
  const fields = Fields.ofBody(body, ['score']);
  const score = fields.whole('score', { min: 1, max: 10 });
  fields.require('score');
  fields.check();
  return score ?? 0;
}
