import { setTimeout as sleep } from 'node:timers/promises';

/** US consumer prices by year (CPI-U, annual averages, 1982-84 = 100), of the first year of each decade. */
const CONSUMER_PRICES: Readonly<Record<number, number>> = {
  1910: 9.5, // first estimate: the index begins in 1913
  1920: 20.0,
  1930: 16.7,
  1940: 14.0,
  1950: 24.1,
  1960: 29.6,
  1970: 38.8,
  1980: 82.4,
  1990: 130.7,
  2000: 172.2,
  2010: 218.1,
};

/** What a dollar of a decade was worth in dollars of 2010. */
export type DollarsOf2010 = (decade: number) => number;

export interface PriceIndex {
  fetch(): Promise<DollarsOf2010>;
  ping(): Promise<void>;
}

/**
 * Stands in for a partner's price index service. The figures are real, the service is not: it lives in this process
 * and waits `delayMs` before it answers, as a call over the network would.
 */
export function simulatedPriceIndex(delayMs: number): PriceIndex {
  return {
    async fetch() {
      await sleep(delayMs);
      const today = CONSUMER_PRICES[2010] ?? 1;
      return (decade) => today / (CONSUMER_PRICES[decade] ?? today);
    },
    async ping() {
      await sleep(Math.min(delayMs, 5));
    },
  };
}
