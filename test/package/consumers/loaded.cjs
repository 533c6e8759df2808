// The files that requiring the package has loaded, and nothing else.
require('warmpath');
console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file !== __filename)));
