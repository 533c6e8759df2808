/** One film as the data set has it. */
export type RawFilm = Readonly<Record<string, unknown>>;

/** One film as the catalogue keeps it. `undefined` never, `null` for what is not known. */
export interface FilmRecord {
  readonly title: string;
  /** ISO 8601, `1998-06-12` */
  readonly releaseDate: string | null;
  readonly genre: string | null;
  readonly director: string | null;
  readonly distributor: string | null;
  readonly mpaaRating: string | null;
  readonly creativeType: string | null;
  readonly source: string | null;
  readonly runningMinutes: number | null;
  /** US dollars */
  readonly budget: number | null;
  readonly usGross: number | null;
  readonly worldwideGross: number | null;
  /** per cent */
  readonly rottenTomatoes: number | null;
  /** 0 to 10 */
  readonly imdbRating: number | null;
  readonly imdbVotes: number | null;
}

export const REPAIRS = {
  'title missing': 'got a title in brackets',
  'title numeric': 'a number became text',
  'title encoding': 'accents restored',
  'title spacing': 'surplus spaces removed',
  'date century': 'moved to the 20th century',
  'date invalid': 'left out',
  'number invalid': 'left out',
  'text invalid': 'left out',
  'gross unknown': '0 worldwide means that nobody knows',
} as const;

export type Repair = keyof typeof REPAIRS;

/** Turns a raw film into a record, telling what had to be repaired on the way. */
export function repairFilm(raw: RawFilm): { readonly film: FilmRecord; readonly repairs: readonly Repair[] } {
  const repairs: Repair[] = [];
  const note = (repair: Repair) => void repairs.push(repair);
  const text = (field: string) => repairText(raw[field], note);
  const count = (field: string, max = Number.MAX_SAFE_INTEGER) => repairCount(raw[field], max, note);

  const worldwide = count('Worldwide Gross');
  if (worldwide === 0) note('gross unknown');
  const film: FilmRecord = {
    title: repairTitle(raw.Title, note),
    releaseDate: repairDate(raw['Release Date'], note),
    genre: text('Major Genre'),
    director: text('Director'),
    distributor: text('Distributor'),
    mpaaRating: text('MPAA Rating'),
    creativeType: text('Creative Type'),
    source: text('Source'),
    runningMinutes: count('Running Time min', 1000),
    budget: count('Production Budget'),
    usGross: worldwide === 0 ? null : count('US Gross'),
    worldwideGross: worldwide === 0 ? null : worldwide,
    rottenTomatoes: count('Rotten Tomatoes Rating', 100),
    imdbRating: repairNumber(raw['IMDB Rating'], 10, note),
    imdbVotes: count('IMDB Votes'),
  };
  return { film, repairs };
}

type Note = (repair: Repair) => void;

function repairTitle(value: unknown, note: Note): string {
  if (typeof value === 'number' && Number.isFinite(value)) {
    note('title numeric'); // "300", "1776": films named by a number
    return String(value);
  }
  if (typeof value !== 'string' || value.trim() === '') {
    note('title missing');
    return '(untitled)';
  }
  const decoded = restoreAccents(value);
  if (decoded !== value) note('title encoding');
  const spaced = decoded.trim().replace(/\s+/g, ' ');
  if (spaced !== decoded) note('title spacing');
  return spaced;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

// The films were gathered in 2010 and the latest were announced for 2011. Years were once written with two digits,
// so a later year is a film of a century before: "Gone with the Wind" is not of 2039.
const LAST_YEAR = 2011;

function repairDate(value: unknown, note: Note): string | null {
  if (value === null || value === undefined) return null;
  const match = /^([A-Z][a-z]{2}) (\d{2}) (\d{4})$/.exec(String(value));
  const month = MONTHS.indexOf(match?.[1] ?? '');
  const day = Number(match?.[2]);
  const year = Number(match?.[3]);
  const date = new Date(Date.UTC(year, month, day));
  if (month < 0 || date.getUTCMonth() !== month || date.getUTCDate() !== day) {
    note('date invalid');
    return null;
  }
  if (year > LAST_YEAR) {
    note('date century');
    date.setUTCFullYear(year - 100);
  }
  return date.toISOString().slice(0, 10);
}

function repairText(value: unknown, note: Note): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' && value.trim() !== '') return value.trim();
  note('text invalid');
  return null;
}

function repairNumber(value: unknown, max: number, note: Note): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && value >= 0 && value <= max) return value;
  note('number invalid');
  return null;
}

function repairCount(value: unknown, max: number, note: Note): number | null {
  const number = repairNumber(value, max, note);
  if (number === null || Number.isInteger(number)) return number;
  note('number invalid');
  return null;
}

const MAC_ROMAN = new TextDecoder('macintosh').decode(Uint8Array.from({ length: 256 }, (_, byte) => byte));
const ELLIPSIS = 0x85;

/** Accented titles of the data set were Windows-1252 bytes read as Mac Roman: "LÈon" is "Léon". */
function restoreAccents(title: string): string {
  return title.replace(/[^\x20-\x7e]/gu, (character) => {
    const byte = MAC_ROMAN.indexOf(character);
    const mangled = byte >= 0xa0 || byte === ELLIPSIS;
    return mangled ? new TextDecoder('windows-1252').decode(Uint8Array.of(byte)) : character;
  });
}
