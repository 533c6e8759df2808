import type { TestProject } from 'vitest/node';
import { findRedisServer } from '../../lib/testing/find-redis-server.js';
import { compileScripts } from './compiled-scripts.js';

/**
 * Before any test file runs: the one server that most of them start for themselves is there, or the run ends; and what
 * they start in processes of their own is compiled, anew before every rerun of a watch.
 */
export async function setup(project: TestProject): Promise<() => void> {
  findRedisServer();
  let remove = await compileScripts();
  project.onTestsRerun(async () => {
    remove();
    remove = await compileScripts();
  });
  return () => remove();
}
