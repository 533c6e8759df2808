/** In an app of your own this file is not needed: import the same names from 'warmpath'. */
export * from '../lib/index.js';
