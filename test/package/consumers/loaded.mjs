// The CommonJS files that importing the package has loaded; Node keeps its ES modules to itself.
import { createRequire } from 'node:module';
import 'warmpath';

console.log(JSON.stringify(Object.keys(createRequire(import.meta.url).cache)));
