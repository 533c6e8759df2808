import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shippedFiles } from './shipped-files.js';

// Run from the root of the project: npm run ops
for (const [name, text] of Object.entries(shippedFiles())) writeFileSync(join('lib', 'ops', name), text);
