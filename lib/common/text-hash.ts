import { randomBytes } from 'node:crypto';

/**
 * A hash of 32 bits whose secret is new each time. Names come from clients: without a secret they could be chosen so that
 * all are found in one place, and each lookup would pass by all of them.
 */
export function secretTextHash(): (text: string) => number {
  const secret = randomBytes(8);
  const start = secret.readInt32LE(0);
  const factor = secret.readInt32LE(4) | 1;
  return (text) => {
    let hash = start ^ text.length;
    for (let at = 0; at < text.length; at++) {
      hash = Math.imul(hash ^ text.charCodeAt(at), factor);
      // High bits come down: a product alone would be a polynomial, for which texts of one hash are known whatever its factor.
      hash ^= hash >>> 15;
    }
    return hash;
  };
}
