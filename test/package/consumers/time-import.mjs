// Milliseconds that importing the named package takes in a fresh process.
const started = performance.now();
await import(process.argv[2]);
console.log(performance.now() - started);
