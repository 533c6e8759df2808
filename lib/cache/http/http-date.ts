const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(${MONTHS.join('|')})`;
const TIME = '(\\d\\d):(\\d\\d):(\\d\\d)';
const IMF = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\\d\\d) ${MONTH} (\\d{4}) ${TIME} GMT$`);
const RFC850 = new RegExp(
  `^(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday), (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} GMT$`,
);
const ASCTIME = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`);

/**
 * Milliseconds since the epoch of an HTTP-date in any of its three forms (RFC 9110 §5.6.7), read strictly and
 * case-sensitively; `undefined` for anything else. The day of the week is not checked against the date.
 * `nowMs` decides the century of a two-digit year: one that would lie more than 50 years ahead is in the past.
 */
export function parseHttpDate(text: string, nowMs: number = Date.now()): number | undefined {
  const imf = IMF.exec(text);
  if (imf) return instant(Number(imf[3]), imf[2], imf[1], imf, 4);
  const asctime = ASCTIME.exec(text);
  if (asctime) return instant(Number(asctime[6]), asctime[1], asctime[2], asctime, 3);
  const rfc850 = RFC850.exec(text);
  if (rfc850) return instant(fullYear(Number(rfc850[3]), nowMs), rfc850[2], rfc850[1], rfc850, 4);
  return undefined;
}

function instant(
  year: number,
  monthName: string | undefined,
  dayText: string | undefined,
  match: RegExpExecArray,
  time: number,
): number | undefined {
  const month = MONTHS.indexOf(monthName ?? '');
  const day = Number(dayText);
  const hour = Number(match[time]);
  const minute = Number(match[time + 1]);
  const second = Number(match[time + 2]);
  if (hour > 23 || minute > 59 || second > 60) return undefined; // 60 is a leap second
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month, day); // unlike Date.UTC(), takes years below 100 as they are
  if (midnight.getUTCMonth() !== month || midnight.getUTCDate() !== day) return undefined;
  return midnight.getTime() + hour * 3_600_000 + minute * 60_000 + second * 1000;
}

function fullYear(twoDigits: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  if (year > thisYear + 50) return year - 100;
  return year <= thisYear - 50 ? year + 100 : year;
}
