// Milliseconds of processor time that importing the named package takes in a fresh process.
const before = process.cpuUsage();
await import(process.argv[2]);
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1000);
