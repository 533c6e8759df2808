import cluster, { type Worker } from 'node:cluster';

const RESTART_DELAY_MS = 1000;

/** Runs `count` processes that share the port, replaces one that dies, and stops them all with this one. */
export function runWorkers(count: number): void {
  let stopping = false;
  for (let n = 0; n < count; n++) cluster.fork(announcing(n === 0));

  cluster.on('exit', (worker, code, signal) => {
    if (stopping) return;
    console.error(`Worker ${worker.process.pid} ended (${signal ?? code}); starting another`);
    setTimeout(() => cluster.fork(announcing(false)), RESTART_DELAY_MS);
  });

  const stop = () => {
    if (stopping) return;
    stopping = true;
    // The process itself is asked: `worker.kill()` would take the connections away first.
    for (const worker of workers()) worker.process.kill('SIGTERM');
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}

const workers = (): Worker[] => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);

/** One worker speaks for all. */
const announcing = (speaks: boolean) => ({ ANNOUNCE: speaks ? 'yes' : 'no' });
