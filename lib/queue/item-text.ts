import { decodeValue, encodeValue } from '../common/value-coding.js';

/** An item as text: a letter for the form, then the form. Throws `ERR_VALUE` for what has no stored form. */
export function itemText(item: unknown): string {
  const { form, text } = encodeValue(item);
  return form + text;
}

/** The item of a text. Throws for a text that is none. */
export function itemOf(text: string): unknown {
  const form = text[0];
  if (form !== 'j' && form !== 'n') throw new TypeError('not an item of this queue');
  return decodeValue(form, text.slice(1));
}
