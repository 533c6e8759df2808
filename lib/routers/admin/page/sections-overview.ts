import { memoryShare, totalOf } from '../../../metrics/redis-figures.js';
import type { AdminView } from '../admin-view.js';
import { count, humanBytes, percent, perSecond, seconds, span } from '../format.js';
import { type Html, html } from '../html.js';
import type { Sample } from '../live-sampler.js';
import { shareBar } from './table.js';

/** The tiles at the top: what is looked for first. */
export function overviewSection(view: AdminView, sample: Sample | undefined): Html {
  return html`${hitRatioTile(view, sample)}${requestsTile(view, sample)}${latencyTile(sample)}${memoryTile(view)}${evictionsTile(view, sample)}${limitsTile(view, sample)}`;
}

/** The line under the heading: what is in use now. */
export function stateSection(view: AdminView): Html {
  const { redisState, figures } = view;
  const pills = [
    figures.enabled ? pill('good', 'Cache on') : pill('bad', 'Cache off'),
    redisState === 'up' && pill('good', 'Redis in use'),
    redisState === 'down' && pill('bad', `Redis out of use${sinceText(view)}: process memory stands in`),
    redisState === 'none' && pill('plain', 'No Redis: process memory'),
    view.limiters.some(({ store }) => store === 'local') && pill('bad', 'Limits counted locally'),
    view.readOnly && pill('plain', 'Read-only'),
  ];
  return html`${pills.filter((one) => one !== false)}<span class="quiet">namespace <b>${view.namespace}</b> · process ${process.pid}, up ${span(process.uptime() * 1000)} · Node ${process.version}</span>`;
}

function sinceText({ redisDownSince, at }: AdminView): string {
  return redisDownSince === undefined ? '' : ` for ${span(at - redisDownSince)}`;
}

function pill(kind: 'good' | 'bad' | 'plain', text: string): Html {
  return html`<span class="pill ${kind}">${text}</span>`;
}

function tile(label: string, value: string, detail: Html | string, kind = ''): Html {
  return html`<div class="tile ${kind}"><dt>${label}</dt><dd><span class="value">${value}</span><span class="detail">${detail}</span></dd></div>`;
}

function hitRatioTile({ figures }: AdminView, sample: Sample | undefined): Html {
  const names = Object.values(figures.caches);
  const memory = names.reduce((sum, { memoryHits }) => sum + memoryHits, 0);
  const redis = names.reduce((sum, { redisHits }) => sum + redisHits, 0);
  const all = memory + redis;
  const levels = all === 0 ? 'no hits yet' : `memory ${percent(memory / all)}, Redis ${percent(redis / all)}`;
  const now = sample?.ratio ?? undefined;
  return tile(
    'Hit ratio',
    percent(now ?? figures.ratio),
    html`${now === undefined ? 'since start' : html`${percent(figures.ratio)} since start`} · ${levels}`,
    'lead',
  );
}

function requestsTile({ figures }: AdminView, sample: Sample | undefined): Html {
  const looked = (sample?.hit ?? 0) + (sample?.stale ?? 0) + (sample?.miss ?? 0) + (sample?.bypass ?? 0);
  const total = figures.hits + figures.stale + figures.misses + figures.bypasses;
  return tile('Requests', `${perSecond(sample?.requests || looked)}/s`, `${count(total)} looked up since start`);
}

function latencyTile(sample: Sample | undefined): Html {
  const detail = `hits ${seconds(sample?.hitP95 ?? undefined)}, misses ${seconds(sample?.missP95 ?? undefined)}`;
  return tile('Latency p95', seconds(sample?.p95 ?? undefined), detail);
}

function memoryTile({ redis, figures, redisState }: AdminView): Html {
  const used = totalOf(redis, ({ usedMemory }) => usedMemory);
  if (redisState === 'none' || used === undefined) {
    return tile('Process memory', humanBytes(figures.bytes), `${count(figures.entries)} entries`);
  }
  const max = totalOf(redis, ({ maxMemory }) => maxMemory) ?? 0;
  const share = memoryShare(redis?.servers ?? []);
  const keys = count(totalOf(redis, (server) => server.keys) ?? 0);
  const detail =
    share === undefined || max === 0
      ? html`no limit · ${keys} keys`
      : html`${shareBar(share)} ${percent(share)} of ${humanBytes(max)} · ${keys} keys`;
  return tile('Redis memory', humanBytes(used), detail, share !== undefined && share > 0.75 ? 'warn' : '');
}

function evictionsTile({ redis, figures }: AdminView, sample: Sample | undefined): Html {
  const total = totalOf(redis, ({ evictedKeys }) => evictedKeys);
  const now = sample?.evicted ?? undefined;
  if (total === undefined) return tile('Entries', count(figures.entries), 'in this process');
  return tile('Evictions', `${perSecond(now)}/s`, `${count(total)} since Redis started`, now ? 'warn' : '');
}

function limitsTile({ limiters }: AdminView, sample: Sample | undefined): Html {
  const refused = limiters.flatMap(({ tiers }) => Object.values(tiers)).reduce((sum, { limited }) => sum + limited, 0);
  const detail = limiters.length === 0 ? 'no limiter in this process' : `${count(refused)} since start`;
  return tile('Refused (429)', `${perSecond(sample?.limited)}/s`, detail, sample?.limited ? 'warn' : '');
}
