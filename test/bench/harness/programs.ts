import { spawnSync } from 'node:child_process';

// Daemons are installed where the path of an ordinary user does not lead.
const PATH = `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin`;

/** The environment in which the programs the bench can use are looked for. */
export const programEnvironment = { ...process.env, PATH };

/** Whether a program that the bench can do without is there. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', 'command -v "$0"', program], { env: programEnvironment }).status === 0;
}
