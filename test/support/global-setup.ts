import { requireProgram } from './programs.js';

/** Before any test file runs: the one server that most of them start for themselves is there, or the run ends. */
export async function setup(): Promise<void> {
  await requireProgram('redis-server');
}
