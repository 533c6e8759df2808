// One variant in one process: `node serve.js <module> <variant>`. Tells its port, then answers questions over IPC.
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import { startProfile, stopProfile } from './cpu-profile.js';
import type { ServerUsage } from './messages.js';

/** What a variant is: something that answers, and what else it can be asked. */
export interface ServedVariant {
  readonly listener?: RequestListener;
  readonly server?: Server;
  readonly questions?: Readonly<Record<string, (argument: never) => unknown>>;
  /** Puts something before the server: then that is what is asked and whose usage counts. */
  readonly front?: (port: number) => Promise<Front>;
}

/** A server of another make before this one. */
export interface Front {
  readonly port: number;
  usage(): ServerUsage;
}
export type VariantFactory = () => ServedVariant | Promise<ServedVariant>;

const [, , module = '', name = ''] = process.argv;
const { variants } = (await import(pathToFileURL(module).href)) as { variants: Record<string, VariantFactory> };
const factory = variants[name];
if (!factory) throw new Error(`no variant named ${name}`);
const variant = await factory();
const server = variant.server ?? createServer(variant.listener);

const questions: NonNullable<ServedVariant['questions']> = { ...variant.questions, startProfile, stopProfile };

let front: Front | undefined;

function usage(): ServerUsage {
  if (front !== undefined) return front.usage();
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}

async function tellPort(): Promise<void> {
  const { port } = server.address() as AddressInfo;
  front = await variant.front?.(port);
  process.send?.({ port: front?.port ?? port });
}

process.on('message', async (question: { ask: string; argument?: unknown }) => {
  if (question.ask === 'usage') return process.send?.(usage());
  const answer = await questions[question.ask]?.(question.argument as never);
  process.send?.({ answer });
});
process.on('disconnect', () => process.exit(0));
server.keepAliveTimeout = 900_000; // connections stay open from round to round
server.listen(0, '127.0.0.1', tellPort);
