import type { AdminView } from '../admin-view.js';
import { count, span } from '../format.js';
import { type Html, html } from '../html.js';
import { redactKey } from '../redact.js';
import { table } from './table.js';

const NONE: ReadonlySet<string> = new Set();

const ago = (now: number, at: number): Html =>
  html`<time datetime="${new Date(at).toISOString()}">${span(now - at)} ago</time>`;

/** The last invalidations. */
export function invalidationsSection({ recent, at: now }: AdminView): Html {
  const rows = recent.invalidations.map(({ at, kind, soft, targets, acknowledged }) => [
    ago(now, at),
    html`<span class="tag">${kind}</span>`,
    html`${targets.map((target) => html`<code>${redactKey(target, NONE)}</code> `)}`,
    soft ? 'stale' : 'unusable',
    acknowledged,
  ]);
  const columns = [
    { name: 'When' },
    { name: 'Kind' },
    { name: 'Target', text: true },
    { name: 'Entries become' },
    { name: 'Acknowledged by' },
  ];
  return table('Last invalidations', columns, rows, 'Nothing has been invalidated since this process started.');
}

/** The last decisions that were not a plain hit, with their reasons. */
export function decisionsSection({ recent, at: now }: AdminView): Html {
  const rows = recent.decisions.map(({ at, what, where, reason, times }) => [
    ago(now, at),
    what,
    html`<code>${where}</code>`,
    html`<span class="tag">${reason}</span>`,
    count(times),
  ]);
  const columns = [
    { name: 'Last' },
    { name: 'What' },
    { name: 'Where' },
    { name: 'Reason', text: true },
    { name: 'Times', number: true },
  ];
  return table('Decisions and their reasons', columns, rows, 'Nothing out of the ordinary since this process started.');
}
