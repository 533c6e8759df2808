import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take longest, by the clock, longest first. Those that mostly wait (for faults, failovers, a browser) and
 * those that keep a core busy stand mixed, so that neither kind is left for the end.
 */
const LONGEST = [
  'soak/soak',
  'differential/differential',
  'flows/rate-limiter-failover',
  'browser/admin-page',
  'package/package',
  'data/write-behind',
  'redis/guard-outage',
  'flows/rate-limiter-processes',
  'redis/guard-failover',
  'conformance/conformance',
  'faults/server-faults',
  'flows/example-server',
  'redis/subscriber',
  'faults/process-faults',
  'load/load',
  'faults/topology-faults',
  'flows/example-operations',
  'testing/faulty',
  'differential/lane',
  'flows/topologies',
  'flows/collapsing',
  'flows/data-write-behind',
  'data/races',
  'flows/operations-prometheus',
  'flows/rate-limiter-faults',
  'flows/observer',
  'metrics/ops-files',
  'quota/redis-quota-store',
  'testing/topologies',
  'routers/health-faults',
].map((name) => `test/${name}.test.ts`);

/** Starts the longest files first, so that a run does not end with workers idle while one of them is still at it. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.indexOf(relative(this.ctx.config.root, moduleId));
      return place < 0 ? LONGEST.length : place;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b)); // stable: the others stay as they are
  }
}
