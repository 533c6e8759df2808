// Runs the tests under each supported Node.js: the npm package `node` brings the binaries.
// node test/support/engines.mjs [--nodes 20,22,24] [vitest filters …]

import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const args = process.argv.slice(2);
const chosen = args[0] === '--nodes' ? args.splice(0, 2)[1] : '20,22,24';

const results = chosen.split(',').map((major) => {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', ...args];
  console.log(`\n── Node ${major} ${'─'.repeat(60)}`);
  const { status } = spawnSync('npx', ['--yes', '--package', `node@${major}`, 'node', ...vitest], {
    cwd: root,
    stdio: 'inherit',
  });
  return { major, status };
});

console.log('');
for (const { major, status } of results) console.log(`Node ${major}: ${status === 0 ? 'passed' : 'FAILED'}`);
process.exitCode = results.every(({ status }) => status === 0) ? 0 : 1;
