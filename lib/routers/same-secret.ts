import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether a text is the secret, in a time that does not depend on where they differ. Digests are compared, because
 * `timingSafeEqual` throws for unequal lengths. Anything but a text is not the secret.
 */
export function sameSecret(given: unknown, secret: string): boolean {
  if (typeof given !== 'string') return false;
  return timingSafeEqual(digest(given), digest(secret));
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
