/** A reply of Redis as plain values. An error reply is an Error among them. */
export type RespValue = string | number | null | Error | RespValue[];

interface Parsed {
  readonly value: RespValue;
  /** Where the next frame begins. */
  readonly end: number;
}

const AGGREGATES: Record<string, number> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 };

/** A command as Redis reads it. */
export function encodeCommand(args: readonly (string | number | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

/** The frame (RESP2 or RESP3) that begins at `start`, or `undefined` when it is not complete. */
export function parseFrame(bytes: Buffer, start = 0): Parsed | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const line = bytes.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;

  if (kind === '$' || kind === '=' || kind === '!') return parseBulk(bytes, kind, Number(line), end);
  const width = AGGREGATES[kind];
  if (width !== undefined) return parseAggregate(bytes, Number(line) * width, end);
  if (kind === '-') return { value: new Error(line), end };
  if (kind === ':') return { value: Number(line), end };
  if (kind === '_') return { value: null, end };
  return { value: line, end };
}

function parseBulk(bytes: Buffer, kind: string, length: number, start: number): Parsed | undefined {
  if (length < 0) return { value: null, end: start };
  const end = start + length + 2;
  if (bytes.length < end) return undefined;
  const text = bytes.toString('utf8', start, start + length);
  return { value: kind === '!' ? new Error(text) : text, end };
}

function parseAggregate(bytes: Buffer, count: number, start: number): Parsed | undefined {
  if (count < 0) return { value: null, end: start };
  const value: RespValue[] = [];
  let end = start;
  for (let i = 0; i < count; i++) {
    const item = parseFrame(bytes, end);
    if (!item) return undefined;
    value.push(item.value);
    end = item.end;
  }
  return { value, end };
}
