/** A content coding this package can store or produce (RFC 9110 §8.4.1). */
export type ContentCoding = 'identity' | 'gzip' | 'br' | 'zstd';

const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;
// Below every weight a client can state: identity that nobody mentioned is acceptable, and the last choice.
const UNLISTED_IDENTITY = 0.0001;

/**
 * The coding to answer with (RFC 9110 §12.5.3): the one of `available` the client weighs highest, the earlier one of
 * equals; `undefined` when it refuses them all. A request without `Accept-Encoding` gets identity: that is what a
 * client that does not speak codings expects. A member whose weight cannot be read is refused.
 */
export function negotiateCoding(
  acceptEncoding: string | undefined,
  available: readonly ContentCoding[],
): ContentCoding | undefined {
  if (acceptEncoding === undefined) return available.includes('identity') ? 'identity' : undefined;
  const weights = codingWeights(acceptEncoding);
  let best: ContentCoding | undefined;
  let bestWeight = 0;
  for (const coding of available) {
    const weight = weights.get(coding) ?? weights.get('*') ?? (coding === 'identity' ? UNLISTED_IDENTITY : 0);
    if (weight > bestWeight) [best, bestWeight] = [coding, weight];
  }
  return best;
}

function codingWeights(acceptEncoding: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const member of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = member.split(';');
    const coding = name.trim().toLowerCase();
    if (coding === '') continue;
    const weight = weightOf(parameters);
    const canonical = coding === 'x-gzip' ? 'gzip' : coding; // RFC 9110 §8.4.1.3
    weights.set(canonical, Math.min(weight, weights.get(canonical) ?? 1)); // listed twice: the stricter counts
  }
  return weights;
}

function weightOf(parameters: readonly string[]): number {
  if (parameters.length === 0) return 1;
  const match = parameters.length === 1 ? WEIGHT.exec(parameters[0]?.trim() ?? '') : undefined;
  return match ? Number(match[1]) : 0;
}
