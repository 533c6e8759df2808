import { createHash } from 'node:crypto';

/** A JSON body of exactly so many bytes that compresses like real JSON: words and numbers that differ from record to record. */
export function jsonBody(bytes: number): Buffer {
  const words = [
    'amber',
    'basalt',
    'cedar',
    'delta',
    'ember',
    'fjord',
    'garnet',
    'harbor',
    'indigo',
    'jasper',
    'karst',
    'lagoon',
  ];
  const records: string[] = [];
  let size = 2;
  for (let i = 0; size < bytes - 120; i++) {
    const digest = createHash('sha1').update(String(i)).digest();
    const title = [0, 1, 2].map((at) => words[digest[at]! % words.length]).join(' ');
    const record = JSON.stringify({ id: i, title, gross: digest.readUInt32BE(4), rating: digest[8]! / 10 });
    records.push(record);
    size += record.length + 1;
  }
  const text = `[${records.join(',')}]`;
  return Buffer.from(`${text.slice(0, -1)},"${'x'.repeat(Math.max(0, bytes - text.length - 3))}"]`, 'latin1');
}

/** Header fields a cached JSON answer carries; `Date`, `Connection` and `Keep-Alive` come from Node. */
export function answerHeaders(body: Buffer): Record<string, string> {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'public, max-age=60, s-maxage=3600',
    Vary: 'Accept-Encoding',
    ETag: `W/"${createHash('sha1').update(body).digest('base64').slice(0, 27)}"`,
    Age: '12',
    'Cache-Status': 'warmpath; hit; ttl=3588',
    'X-Cache': 'hit',
    'Content-Length': String(body.length),
  };
}
