import type { CatalogueDatabase } from './database.js';

export interface Preferences {
  readonly language: string;
  readonly theme: 'light' | 'dark' | 'system';
  readonly pageSize: number;
  readonly favouriteGenres: readonly string[];
}

const DEFAULTS: Preferences = { language: 'en', theme: 'system', pageSize: 20, favouriteGenres: [] };

/** Something a user looked at: a film's number or a search text. */
export interface HistoryItem {
  readonly kind: 'film' | 'search';
  readonly subject: string;
  readonly at: string;
}

/** A history item on its way into the database. */
export interface HistoryEntry extends HistoryItem {
  /** tells it from others: writing it twice is writing it once */
  readonly id: string;
  readonly user: string;
}

export function findPreferences(db: CatalogueDatabase, user: string): Preferences {
  const row = db.get<{ body: string }>('SELECT body FROM preferences WHERE user_name = ?', [user]);
  return row ? { ...DEFAULTS, ...(JSON.parse(row.body) as Partial<Preferences>) } : DEFAULTS;
}

export function savePreferences(db: CatalogueDatabase, user: string, preferences: Preferences): void {
  db.run(
    'INSERT INTO preferences (user_name, body) VALUES (?, ?) ON CONFLICT (user_name) DO UPDATE SET body = excluded.body',
    [user, JSON.stringify(preferences)],
  );
}

export function findHistory(db: CatalogueDatabase, user: string, limit: number): readonly HistoryItem[] {
  const sql = 'SELECT kind, subject, at FROM history WHERE user_name = ? ORDER BY at DESC, id LIMIT ?';
  return db.all(sql, [user, limit]);
}

export function addToHistory(db: CatalogueDatabase, entries: readonly HistoryEntry[]): void {
  const sql = 'INSERT OR IGNORE INTO history (id, user_name, kind, subject, at) VALUES (?, ?, ?, ?, ?)';
  db.transaction(() => {
    for (const { id, user, kind, subject, at } of entries) db.run(sql, [id, user, kind, subject, at]);
  });
}
