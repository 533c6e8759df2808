import { quantile } from '../../../metrics/durations.js';
import type { AdminView } from '../admin-view.js';
import { count, percent, seconds } from '../format.js';
import { lookedUp, ratioOf } from '../hit-ratio.js';
import { type Html, html } from '../html.js';
import { bar, table } from './table.js';

/** Routes by traffic, with ratio and cost of a fill. */
export function routesSection({ figures }: AdminView): Html {
  const rows = Object.entries(figures.caches)
    .sort(([, a], [, b]) => lookedUp(b) + b.bypasses - lookedUp(a) - a.bypasses)
    .slice(0, 100)
    .map(([name, one]) => [
      html`<code>${name}</code>`,
      bar(ratioOf(one), percent(lookedUp(one) === 0 ? undefined : ratioOf(one))),
      count(one.hits),
      count(one.stale),
      count(one.misses),
      count(one.bypasses),
      count(one.fills),
      count(one.collapsed),
      seconds(quantile(one.lookup, 0.95)),
      seconds(quantile(one.fill, 0.95)),
    ]);
  const numbers = ['Hits', 'Stale', 'Misses', 'Bypassed', 'Fills', 'Collapsed', 'Lookup p95', 'Fill p95'];
  const columns = [{ name: 'Route' }, { name: 'Hit ratio' }, ...numbers.map((name) => ({ name, number: true }))];
  return table('Routes and named caches', columns, rows, 'Nothing has been looked up yet.');
}

/** Why responses were not kept. */
export function reasonsSection({ figures }: AdminView): Html {
  const rows = Object.entries(figures.caches)
    .flatMap(([name, { notStored }]) => Object.entries(notStored).map(([reason, times]) => ({ name, reason, times })))
    .filter(({ times }) => times > 0)
    .sort((a, b) => b.times - a.times)
    .slice(0, 50)
    .map(({ name, reason, times }) => [
      html`<span class="tag">${reason}</span>`,
      html`<code>${name}</code>`,
      count(times),
    ]);
  return table(
    'Responses not stored, by reason',
    [{ name: 'Reason' }, { name: 'Route' }, { name: 'Times', number: true }],
    rows,
    'Every response was kept.',
  );
}

/** Inputs handlers read that their key did not cover. */
export function findingsSection({ figures }: AdminView): Html {
  const rows = Object.entries(figures.caches)
    .flatMap(([name, { findings }]) => findings.map((finding) => ({ name, ...finding })))
    .slice(0, 50)
    .map(({ name, input, settledBy, count: times }) => [
      html`<code>${input}</code>`,
      html`<code>${name}</code>`,
      settledBy,
      count(times),
    ]);
  const columns = [
    { name: 'Input' },
    { name: 'Route' },
    { name: 'Settled by', text: true },
    { name: 'Times', number: true },
  ];
  return table('Inputs read outside the key', columns, rows, 'No handler read an input its key does not cover.');
}
