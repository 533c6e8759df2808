// express-rate-limit as it is wired by hand, in memory and on Redis.
import type { RequestListener } from 'node:http';
import express, { type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import { Redis } from 'ioredis';
import { type RedisReply, RedisStore } from 'rate-limit-redis';
import type { ServedVariant, VariantFactory } from '../harness/serve.js';
import { hitBody, originHeaders, redisUrl } from './environment.js';

export function limitedRoute(limiter: RequestHandler): ServedVariant {
  const app = express();
  app.use(limiter);
  app.get('/movies/:id', (_req, res) => {
    for (const [name, value] of Object.entries(originHeaders)) res.setHeader(name, value);
    res.end(hitBody);
  });
  return { listener: app as unknown as RequestListener };
}

const policy = { windowMs: 3_600_000, limit: 1e9, standardHeaders: 'draft-8', legacyHeaders: false } as const;

async function onRedis(): Promise<ServedVariant> {
  const client = new Redis(redisUrl, { enableAutoPipelining: true });
  await new Promise((resolve) => client.once('ready', resolve));
  const sendCommand = (command: string, ...rest: string[]): Promise<RedisReply> =>
    client.call(command, ...rest) as Promise<RedisReply>;
  return limitedRoute(rateLimit({ ...policy, store: new RedisStore({ sendCommand }) }));
}

/** The least that refusing can cost inside Express: nobody is named, nothing is counted, nothing is said of a quota. */
function bareRefusal(): ServedVariant {
  const app = express();
  app.use((_req, res) => {
    res.writeHead(429, { 'Content-Type': 'application/problem+json', 'Content-Length': hitBody.length });
    res.end(hitBody);
  });
  return { listener: app as unknown as RequestListener };
}

export const variants: Record<string, VariantFactory> = {
  'express-rate-limit': () => limitedRoute(rateLimit(policy)),
  'express-rate-limit on Redis': onRedis,
  'bare refusal': bareRefusal,
};
