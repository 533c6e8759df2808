import type { Sample, Samples } from './compare.js';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.round((sorted.length - 1) * q))]!;
}

/** How one variant compares with another: the median over the rounds, and the middle half of them. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function ratioOf(values: readonly number[]): Ratio {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
}

function perRound(samples: Samples, name: string, base: string, read: (a: Sample, b: Sample) => number): Ratio {
  const ours = samples.get(name) ?? [];
  const theirs = samples.get(base) ?? [];
  return ratioOf(ours.map((sample, round) => read(sample, theirs[round]!)));
}

/** Answers per second, as a multiple of the other's in the same round. */
export function throughputRatio(samples: Samples, name: string, base: string): Ratio {
  return perRound(samples, name, base, (a, b) => a.perSecond / b.perSecond);
}

/** How many times the work per CPU second of the other: above 1 means less CPU time per request. */
export function cpuRatio(samples: Samples, name: string, base: string): Ratio {
  return perRound(samples, name, base, (a, b) => b.cpuMicros / a.cpuMicros);
}

/** {@link cpuRatio} with what Redis used for the same requests. */
export function wholeCpuRatio(samples: Samples, name: string, base: string): Ratio {
  const whole = ({ cpuMicros, redisMicros }: Sample): number => cpuMicros + redisMicros;
  return perRound(samples, name, base, (a, b) => whole(b) / whole(a));
}

export function medianOf(samples: Samples, name: string, read: (sample: Sample) => number): number {
  return median((samples.get(name) ?? []).map(read));
}
