import type { Request } from 'express';

const MAX_BYTES = 64 * 1024;

/** A request that is answered by a 4xx with these words. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.name = 'BadRequest';
    this.status = status;
  }
}

/** The JSON object in the body; `{}` without a body. Takes what a body parser mounted above has read, reads it otherwise. */
export async function readJsonObject(req: Request): Promise<Readonly<Record<string, unknown>>> {
  // Express 4's parser leaves `{}` also where it read nothing, so the stream itself is asked.
  const parsed: unknown = req.readableDidRead ? (req.body ?? {}) : await readBody(req);
  if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed) && !Buffer.isBuffer(parsed)) {
    return parsed as Readonly<Record<string, unknown>>;
  }
  throw new BadRequest('the body must be a JSON object');
}

async function readBody(req: Request): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new BadRequest('the body is too large', 413);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8').trim();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    throw new BadRequest('the body is not JSON');
  }
}
