import { createRequire } from 'node:module';
import express5 from 'express';
import { describe, expect, it } from 'vitest';
import type { ExpressModule } from './app.js';
import { runLane } from './run-lane.js';

const express4 = createRequire(import.meta.url)('express4') as ExpressModule;

describe('a whole app through Express alone and through the fast lane', () => {
  it.each([
    ['Express 5', 1, 2_500, express5],
    ['Express 4', 2, 1_000, express4],
  ] as const)(
    'answers and counts every request alike: %s',
    { timeout: 60_000 },
    async (_name, seed, requests, express) => {
      const { differences, laneShare, counted, statuses } = await runLane(seed, requests, express);
      expect(differences).toEqual([]);
      expect(counted[1]).toEqual(counted[0]);
      expect([...statuses].sort()).toEqual(
        expect.arrayContaining([200, 204, 206, 301, 304, 403, 404, 416, 421, 429, 500]),
      );
      expect(laneShare).toBeGreaterThan(0.2); // else Express would have been compared with itself
    },
  );
});
