const SLOTS = 16_384;
const CRC16 = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

/** The Redis Cluster slot of a key: CRC16 (XMODEM) of the hash tag, or of the whole key. Redis Cluster specification, "Key distribution model". */
export function keySlot(key: string): number {
  const part = hashed(key);
  let crc = 0;
  for (let i = 0; i < part.length; i++) {
    const byte = part.charCodeAt(i);
    if (byte > 127) return slotOfBytes(Buffer.from(part));
    crc = step(crc, byte);
  }
  return crc % SLOTS;
}

function slotOfBytes(bytes: Buffer): number {
  return bytes.reduce(step, 0) % SLOTS;
}

function step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (CRC16[((crc >> 8) ^ byte) & 0xff] as number);
}

// The part between the first brace and the next closing one, unless it is empty.
function hashed(key: string): string {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? key.slice(open + 1, close) : key;
}
