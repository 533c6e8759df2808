/** The name of this cache in `Cache-Status` (RFC 9211 §2). */
export const CACHE_NAME = 'warmpath';
