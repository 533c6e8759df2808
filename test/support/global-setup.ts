import { findRedisServer } from '../../lib/testing/find-redis-server.js';

/** Before any test file runs: the one server that most of them start for themselves is there, or the run ends. */
export function setup(): void {
  findRedisServer();
}
