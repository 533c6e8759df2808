// node in-process.js <module> <variant>: CPU microseconds per request of a variant fed through memory instead of the network.
// No system calls, no scheduler: the least of many slices is steady even on a busy machine, and differences of 2 % show.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { MemoryConnection } from '../harness/memory-connection.js';
import { requestBytes } from '../harness/messages.js';
import type { VariantFactory } from '../harness/serve.js';

const [, , module = '', name = ''] = process.argv;
const { variants } = (await import(pathToFileURL(module).href)) as { variants: Record<string, VariantFactory> };
const variant = await variants[name]!();
const server = variant.server ?? createServer(variant.listener);
const isUnique = process.env.PATHS === 'unique';
let lastId = 0;

function requestsFor(count: number): Buffer[] {
  const ids = Array.from({ length: isUnique ? count : 100 }, (_, id) => (isUnique ? ++lastId : id));
  return ids.map((id) => requestBytes({ path: `/movies/${id}` }, '127.0.0.1:80'));
}

function slice(count: number): Promise<number> {
  return new Promise((resolve) => {
    const requests = requestsFor(count);
    const before = process.cpuUsage();
    const connection = new MemoryConnection(
      (turn) => requests[turn % requests.length] as Buffer,
      count,
      () => {
        const used = process.cpuUsage(before);
        connection.destroy();
        resolve((used.user + used.system) / count);
      },
    );
    server.emit('connection', connection);
    connection.start();
  });
}

const slices: number[] = [];
await slice(3000);
await new Promise((resolve) => setTimeout(resolve, 300));
await slice(5000);
for (let i = 0; i < Number(process.env.SLICES ?? 15); i++) slices.push(await slice(800));
slices.sort((a, b) => a - b);
process.stdout.write(`${slices[0]!.toFixed(2)} ${slices[Math.floor(slices.length / 4)]!.toFixed(2)}\n`);
process.exit(0);
