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
}
export type VariantFactory = () => ServedVariant | Promise<ServedVariant>;

const [, , module = '', name = ''] = process.argv;
const { variants } = (await import(pathToFileURL(module).href)) as { variants: Record<string, VariantFactory> };
const factory = variants[name];
if (!factory) throw new Error(`no variant named ${name}`);
const variant = await factory();
const server = variant.server ?? createServer(variant.listener);

const questions: NonNullable<ServedVariant['questions']> = { ...variant.questions, startProfile, stopProfile };

function usage(): ServerUsage {
  const { user, system } = process.cpuUsage();
  return { cpuMicros: user + system, rssBytes: process.memoryUsage.rss() };
}

process.on('message', async (question: { ask: string; argument?: unknown }) => {
  if (question.ask === 'usage') return process.send?.(usage());
  const answer = await questions[question.ask]?.(question.argument as never);
  process.send?.({ answer });
});
process.on('disconnect', () => process.exit(0));
server.keepAliveTimeout = 900_000; // connections stay open from round to round
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
