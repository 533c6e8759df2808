import * as zlib from 'node:zlib';

type Crc32 = (data: Buffer) => number;

const native = (zlib as { crc32?: Crc32 }).crc32;
const table = native ? undefined : crcTable();

/** CRC-32 of `data` from `start` on: finds damage, not malice. Node's own where it has one (20.15 and later). */
export function checksum(data: Buffer, start: number): number {
  const rest = data.subarray(start);
  return native ? native(rest) : slowCrc32(rest);
}

function slowCrc32(data: Buffer): number {
  let crc = ~0;
  for (const byte of data) crc = (crc >>> 8) ^ (table?.[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

function crcTable(): Int32Array {
  return Int32Array.from({ length: 256 }, (_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });
}
