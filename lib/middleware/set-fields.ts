import type { ServerResponse } from 'node:http';

/** Sets fields in any of the forms `writeHead` takes: an object, a flat array, or an array of pairs. */
export function setFields(res: ServerResponse, fields: unknown): void {
  if (fields === undefined || fields === null || typeof fields !== 'object') return;
  if (!Array.isArray(fields)) {
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) res.setHeader(name, value as string);
    return;
  }
  const flat: unknown[] = Array.isArray(fields[0]) ? fields.flat(1) : fields;
  const replaced = new Set<string>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = String(flat[i]);
    if (replaced.has(name.toLowerCase())) res.appendHeader(name, flat[i + 1] as string);
    else res.setHeader(name, flat[i + 1] as string);
    replaced.add(name.toLowerCase());
  }
}
