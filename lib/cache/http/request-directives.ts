import { deltaSeconds, MAX_DELTA_SECONDS, type RequestDirectives } from './cache-control.js';
import { scanDirectives } from './directive-scanner.js';
import { fieldLines, fieldValue, type HeaderFields } from './header-fields.js';

const NONE: RequestDirectives = Object.freeze({
  noStore: false,
  noCache: false,
  noTransform: false,
  onlyIfCached: false,
  maxAgeSeconds: undefined,
  maxStaleSeconds: undefined,
  minFreshSeconds: undefined,
});

/**
 * Reads `Cache-Control` of a request, or `Pragma: no-cache` where there is none (RFC 9111 §5.2.1, §5.4).
 * Malformed or repeated directives count in the sense that gets the client the fresher answer. Never throws.
 */
export function parseRequestDirectives(headers: HeaderFields): RequestDirectives {
  const lines = fieldLines(headers, 'cache-control');
  if (lines.length === 0) return hasPragmaNoCache(headers) ? { ...NONE, noCache: true } : NONE;
  const directives = { ...NONE };
  scanDirectives(lines, (name, value, wellFormed) => {
    const seconds = wellFormed && value !== undefined ? deltaSeconds(value) : undefined;
    if (name === 'no-store') directives.noStore = true;
    else if (name === 'no-cache') directives.noCache = true;
    else if (name === 'no-transform') directives.noTransform = true;
    else if (name === 'only-if-cached') directives.onlyIfCached = true;
    else if (name === 'max-age') directives.maxAgeSeconds = smaller(directives.maxAgeSeconds, seconds ?? 0);
    else if (name === 'max-stale') {
      const bare = wellFormed && value === undefined;
      directives.maxStaleSeconds = smaller(
        directives.maxStaleSeconds,
        bare ? Number.POSITIVE_INFINITY : (seconds ?? 0),
      );
    } else if (name === 'min-fresh') {
      // deltaSeconds() answers 0 for garbage, the lenient side here.
      const asked = value !== undefined && /^\d+$/.test(value) ? seconds : undefined;
      directives.minFreshSeconds = Math.max(directives.minFreshSeconds ?? 0, asked ?? MAX_DELTA_SECONDS);
    }
  });
  return directives;
}

function smaller(current: number | undefined, next: number): number {
  return current === undefined ? next : Math.min(current, next);
}

function hasPragmaNoCache(headers: HeaderFields): boolean {
  const members = fieldValue(headers, 'pragma')?.toLowerCase().split(',') ?? [];
  return members.some((member) => member.trim() === 'no-cache');
}
