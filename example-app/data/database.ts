import Database from 'libsql';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS movies (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    release_date TEXT,
    genre TEXT,
    director TEXT,
    distributor TEXT,
    mpaa_rating TEXT,
    creative_type TEXT,
    source TEXT,
    running_minutes INTEGER,
    budget INTEGER,
    us_gross INTEGER,
    worldwide_gross INTEGER,
    rotten_tomatoes INTEGER,
    imdb_rating REAL,
    imdb_votes INTEGER,
    rating_count INTEGER NOT NULL DEFAULT 0,
    rating_sum INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX IF NOT EXISTS movies_by_genre ON movies (genre COLLATE NOCASE);
  CREATE TABLE IF NOT EXISTS ratings (
    movie_id INTEGER NOT NULL REFERENCES movies (id) ON DELETE CASCADE,
    user_name TEXT NOT NULL,
    score INTEGER NOT NULL,
    PRIMARY KEY (movie_id, user_name)
  );
  CREATE TABLE IF NOT EXISTS preferences (user_name TEXT PRIMARY KEY, body TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS history (
    id TEXT PRIMARY KEY,
    user_name TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS views (id TEXT PRIMARY KEY, movie_id INTEGER NOT NULL, at TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS views_by_movie ON views (movie_id);
  CREATE INDEX IF NOT EXISTS history_by_user ON history (user_name, at);
`;

type Value = string | number | null;
type Parameters = readonly Value[] | Readonly<Record<string, Value>>;

/** The catalogue's SQLite file. Counts what it is asked, so that a cache hit can be told from a read of the database. */
export class CatalogueDatabase {
  readonly counts = { reads: 0, writes: 0 };
  readonly #sqlite: Database.Database;
  readonly #statements = new Map<string, Database.Statement<unknown[]>>();

  /** Opens or creates `file`; `:memory:` keeps nothing. Several processes may open the same file. */
  constructor(file: string) {
    this.#sqlite = new Database(file);
    this.#sqlite.pragma('busy_timeout = 10000');
    this.#sqlite.pragma('journal_mode = WAL');
    this.#sqlite.pragma('synchronous = NORMAL');
    this.#sqlite.pragma('foreign_keys = ON');
    this.transaction(() => this.#sqlite.exec(SCHEMA));
  }

  all<Row>(sql: string, parameters: Parameters = []): Row[] {
    this.counts.reads += 1;
    return this.#statement(sql).all(...bound(parameters)) as Row[];
  }

  get<Row>(sql: string, parameters: Parameters = []): Row | undefined {
    this.counts.reads += 1;
    return this.#statement(sql).get(...bound(parameters)) as Row | undefined;
  }

  run(sql: string, parameters: Parameters = []): { readonly changes: number; readonly id: number } {
    this.counts.writes += 1;
    const { changes, lastInsertRowid } = this.#statement(sql).run(...bound(parameters));
    return { changes, id: Number(lastInsertRowid) };
  }

  /** Runs `work` with the write lock of the file; all of it happens, or nothing does. */
  transaction<T>(work: () => T): T {
    return this.#sqlite.transaction(work).immediate();
  }

  ping(): void {
    this.#sqlite.prepare('SELECT 1').get();
  }

  sizeBytes(): number {
    const sql = 'SELECT page_count * page_size AS bytes FROM pragma_page_count(), pragma_page_size()';
    return (this.#statement(sql).get() as { bytes: number }).bytes;
  }

  close(): void {
    this.#sqlite.close();
  }

  #statement(sql: string): Database.Statement<unknown[]> {
    const known = this.#statements.get(sql);
    if (known) return known;
    const statement = this.#sqlite.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function bound(parameters: Parameters): unknown[] {
  return Array.isArray(parameters) ? parameters : [parameters];
}
