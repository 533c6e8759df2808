import { type FieldProblem, Problem } from './problem.js';

interface Range {
  readonly min: number;
  readonly max: number;
}

/**
 * Reads the fields of a query, a path or a body, and collects what is wrong with them.
 * A field that is not given reads as `undefined`; `check()` throws a 400 that names every bad field.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #fromText: boolean;
  readonly #problems: FieldProblem[] = [];

  private constructor(values: Readonly<Record<string, unknown>>, fromText: boolean) {
    this.#values = values;
    this.#fromText = fromText;
  }

  /** Fields of a query string or a path, where a number is text. */
  static ofText(values: Readonly<Record<string, unknown>>): Fields {
    return new Fields(values, true);
  }

  /** Fields of a JSON body; one that is not in `known` is a mistake of the client. */
  static ofBody(body: unknown, known: readonly string[]): Fields {
    if (body === null || typeof body !== 'object' || Array.isArray(body)) {
      const detail = 'expected a JSON object (Content-Type: application/json)';
      throw new Problem(400, `body: ${detail}`, [{ field: 'body', detail }]);
    }
    const fields = new Fields(body as Record<string, unknown>, false);
    for (const field of Object.keys(body)) {
      if (!known.includes(field)) fields.#wrong(field.slice(0, 40), `unknown; known are ${known.join(', ')}`);
    }
    return fields;
  }

  has(field: string): boolean {
    return Object.hasOwn(this.#values, field) && this.#values[field] !== undefined;
  }

  text(field: string, maxLength: number): string | undefined {
    const value = this.#values[field];
    if (value === undefined) return undefined;
    if (typeof value === 'string' && value.trim() !== '' && value.length <= maxLength) return value.trim();
    return this.#wrong(field, `expected a text of 1 to ${maxLength} characters`);
  }

  whole(field: string, { min, max }: Range): number | undefined {
    const value = this.#number(field);
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
    return this.#wrong(field, `expected a whole number from ${min} to ${max}`);
  }

  decimal(field: string, { min, max }: Range): number | undefined {
    const value = this.#number(field);
    if (value === undefined || (value >= min && value <= max)) return value;
    return this.#wrong(field, `expected a number from ${min} to ${max}`);
  }

  choice<T extends string>(field: string, choices: readonly T[]): T | undefined {
    const value = this.#values[field];
    if (value === undefined || choices.includes(value as T)) return value as T | undefined;
    return this.#wrong(field, `expected one of ${choices.join(', ')}`);
  }

  /** A day that exists, as `2010-12-31`. */
  date(field: string): string | undefined {
    const value = this.#values[field];
    if (value === undefined || isDate(value)) return value;
    return this.#wrong(field, 'expected a date such as 2010-12-31');
  }

  textList(field: string, maxItems: number, maxLength: number): readonly string[] | undefined {
    const value = this.#values[field];
    const isText = (item: unknown) => typeof item === 'string' && item !== '' && item.length <= maxLength;
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length <= maxItems && value.every(isText)) return value as string[];
    return this.#wrong(field, `expected a list of at most ${maxItems} texts of 1 to ${maxLength} characters`);
  }

  /** As `read`, but a JSON `null` is an answer: not known. */
  nullable<T>(field: string, read: (field: string) => T | undefined): T | null | undefined {
    return this.#values[field] === null ? null : read(field);
  }

  require(...fields: readonly string[]): void {
    for (const field of fields) if (!this.has(field)) this.#wrong(field, 'is required');
  }

  check(): void {
    if (this.#problems.length === 0) return;
    const detail = this.#problems.map((problem) => `${problem.field}: ${problem.detail}`).join('; ');
    throw new Problem(400, detail, this.#problems);
  }

  #number(field: string): number | undefined {
    const value = this.#values[field];
    if (value === undefined) return undefined;
    if (this.#fromText) return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
    return typeof value === 'number' ? value : Number.NaN;
  }

  #wrong(field: string, detail: string): undefined {
    this.#problems.push({ field, detail });
  }
}

function isDate(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}
