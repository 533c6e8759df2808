import { afterEach, describe, expect, it } from 'vitest';
import { CatalogueDatabase } from '../../example-app/data/database.js';
import { describeImport, importFilms, vegaFilms } from '../../example-app/data/import.js';
import { findFilm, findFilms } from '../../example-app/data/movies.js';
import { repairFilm } from '../../example-app/data/repair.js';

const RAW = { Title: 'Wings', 'Release Date': 'Jun 12 1998', 'Worldwide Gross': 5 };
const repaired = (changes: Record<string, unknown>) => repairFilm({ ...RAW, ...changes });

describe('repairing a film', () => {
  it.each([
    ['a sound film', {}, { title: 'Wings', releaseDate: '1998-06-12', worldwideGross: 5 }, []],
    ['a missing title', { Title: null }, { title: '(untitled)' }, ['title missing']],
    ['a blank title', { Title: '  ' }, { title: '(untitled)' }, ['title missing']],
    ['a numeric title', { Title: 300 }, { title: '300' }, ['title numeric']],
    ['mangled accents', { Title: 'DÈj‡ Vu' }, { title: 'Déjà Vu' }, ['title encoding']],
    ['a mangled fraction', { Title: 'The Naked Gun 2Ω' }, { title: 'The Naked Gun 2½' }, ['title encoding']],
    ['a true superscript', { Title: 'Alien³' }, { title: 'Alien³' }, []],
    ['surplus spaces', { Title: 'Halloween:  II ' }, { title: 'Halloween: II' }, ['title spacing']],
    ['a year of the wrong century', { 'Release Date': 'Dec 15 2039' }, { releaseDate: '1939-12-15' }, ['date century']],
    ['a year announced in time', { 'Release Date': 'Dec 23 2011' }, { releaseDate: '2011-12-23' }, []],
    ['a day that never was', { 'Release Date': 'Feb 30 1999' }, { releaseDate: null }, ['date invalid']],
    ['a date in other words', { 'Release Date': 'last summer' }, { releaseDate: null }, ['date invalid']],
    ['no date', { 'Release Date': null }, { releaseDate: null }, []],
    ['a number that is none', { 'Production Budget': 'lots' }, { budget: null }, ['number invalid']],
    ['a negative number', { 'IMDB Votes': -1 }, { imdbVotes: null }, ['number invalid']],
    ['half a minute', { 'Running Time min': 90.5 }, { runningMinutes: null }, ['number invalid']],
    ['a rating beyond the scale', { 'IMDB Rating': 11 }, { imdbRating: null }, ['number invalid']],
    ['no gross anywhere', { 'Worldwide Gross': 0, 'US Gross': 0 }, { usGross: null }, ['gross unknown']],
    ['a genre that is a number', { 'Major Genre': 7 }, { genre: null }, ['text invalid']],
  ])('handles %s', (_what, changes, film, repairs) => {
    expect(repaired(changes).film).toMatchObject(film);
    expect(repaired(changes).repairs).toEqual(repairs);
  });

  it('takes the 29th of February of a century year that had one', () => {
    expect(repaired({ 'Release Date': 'Feb 29 2000' }).film.releaseDate).toBe('2000-02-29');
  });
});

describe('importing the catalogue', () => {
  const db = new CatalogueDatabase(':memory:');
  afterEach(() => void db.run('DELETE FROM movies'));

  it('imports all 3,201 films and reports how many it repaired, and how', () => {
    const report = importFilms(db);
    expect(report).toEqual({
      imported: 3201,
      repairs: {
        'title missing': 1,
        'title numeric': 9,
        'title encoding': 18,
        'title spacing': 2,
        'date century': 22,
        'gross unknown': 47,
      },
    });
    expect(describeImport(report)[0]).toContain('3201 films');
    expect(describeImport(report)).toHaveLength(7);
  });

  it('leaves no film without a title, of a year to come or with a number out of range', () => {
    importFilms(db);
    const odd = `SELECT count(*) AS n FROM movies WHERE title = '' OR release_date > '2012' OR release_date < '1900'
      OR imdb_rating NOT BETWEEN 0 AND 10 OR rotten_tomatoes NOT BETWEEN 0 AND 100 OR budget < 0`;
    expect(db.get<{ n: number }>(odd)?.n).toBe(0);
    expect(findFilm(db, 1)).toMatchObject({ title: 'The Land Girls', releaseDate: '1998-06-12' });
  });

  it('does nothing to a catalogue that has films', () => {
    importFilms(db, () => [RAW]);
    expect(importFilms(db, vegaFilms)).toEqual({ imported: 0, repairs: {} });
    expect(describeImport({ imported: 0, repairs: {} })).toEqual([]);
  });

  it('imports all films or none: one that cannot be written leaves an empty catalogue', () => {
    const broken = [RAW, null as never];
    expect(() => importFilms(db, () => broken)).toThrow();
    expect(findFilms(db, { page: 1, pageSize: 5, sort: 'title', order: 'asc' }).total).toBe(0);
  });
});
