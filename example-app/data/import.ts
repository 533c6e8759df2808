import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { CatalogueDatabase } from './database.js';
import { insertFilm } from './movies.js';
import { progressBar } from './progress-bar.js';
import { type RawFilm, REPAIRS, type Repair, repairFilm } from './repair.js';

export interface ImportReport {
  /** films written; 0 when the catalogue was filled before */
  readonly imported: number;
  /** how many films each repair touched */
  readonly repairs: Readonly<Partial<Record<Repair, number>>>;
}

/** The 3,201 films of `vega-datasets` (BSD-3-Clause). */
export function vegaFilms(): readonly RawFilm[] {
  const entry = createRequire(import.meta.url).resolve('vega-datasets');
  return JSON.parse(readFileSync(join(dirname(entry), '..', 'data', 'movies.json'), 'utf8')) as RawFilm[];
}

/** Fills an empty catalogue. All films or none; of several processes that start together, one does it. */
export function importFilms(db: CatalogueDatabase, films: () => readonly RawFilm[] = vegaFilms): ImportReport {
  return db.transaction(() => {
    const filled = db.get('SELECT 1 FROM movies LIMIT 1');
    return filled ? { imported: 0, repairs: {} } : importAll(db, films());
  });
}

function importAll(db: CatalogueDatabase, films: readonly RawFilm[]): ImportReport {
  const repaired: Partial<Record<Repair, number>> = {};
  const showProgress = progressBar('Importing films', films.length);
  films.forEach((raw, index) => {
    const { film, repairs } = repairFilm(raw);
    insertFilm(db, film);
    for (const repair of new Set(repairs)) repaired[repair] = (repaired[repair] ?? 0) + 1;
    showProgress(index + 1);
  });
  return { imported: films.length, repairs: repaired };
}

/** The report as lines for a person; none when nothing was imported. */
export function describeImport({ imported, repairs }: ImportReport): string[] {
  if (imported === 0) return [];
  const lines = Object.entries(repairs).map(([repair, films]) => {
    return `  ${String(films).padStart(4)}  ${repair}: ${REPAIRS[repair as Repair]}`;
  });
  return [`Imported ${imported} films. Repaired on the way:`, ...lines];
}

/** Opens `file`, fills it when it is empty, and tells a person about that. */
export function openCatalogue(file: string): CatalogueDatabase {
  const db = new CatalogueDatabase(file);
  for (const line of describeImport(importFilms(db))) console.log(line);
  return db;
}
