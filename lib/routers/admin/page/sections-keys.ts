import type { AdminView, ShownEntry, ShownTag } from '../admin-view.js';
import { count, humanBytes, span } from '../format.js';
import { type Html, html } from '../html.js';
import { table } from './table.js';

/** The entries used most. */
export function keysSection({ keys, readOnly }: AdminView): Html {
  const columns = [
    { name: 'Key' },
    { name: 'Hits ≈', number: true },
    { name: 'Age', number: true },
    { name: 'Fresh for', number: true },
    { name: 'Size', number: true },
    ...(readOnly ? [] : [{ name: 'Action' }]),
  ];
  const rows = keys.map((entry) => [
    html`<code>${entry.key}</code>${entry.tags.length > 0 && html`<span class="tags">${entry.tags.map((tag) => html`<span class="tag">${tag}</span>`)}</span>`}`,
    count(entry.hits ?? 0),
    span(entry.ageMs),
    freshness(entry),
    entry.bytes === undefined ? '–' : humanBytes(entry.bytes),
    ...(readOnly ? [] : [refreshButton(entry)]),
  ]);
  return table('Most used entries', columns, rows, 'No entry has been used often enough to be counted.');
}

function freshness({ ttlMs }: ShownEntry): Html | string {
  if (ttlMs === undefined) return html`<span class="tag">not stored now</span>`;
  return ttlMs > 0 ? span(ttlMs) : html`<span class="tag">stale</span>`;
}

function refreshButton({ id, key }: ShownEntry): Html {
  return html`<button type="button" class="small" data-action="refresh" data-id="${id}" data-focus="refresh-${id}" aria-label="Refresh ${key}">Refresh</button>`;
}

/** The tags whose entries are used most. */
export function tagsSection({ tags, readOnly }: AdminView): Html {
  const columns = [{ name: 'Tag' }, { name: 'Hits ≈', number: true }, ...(readOnly ? [] : [{ name: 'Action' }])];
  const rows = tags.map((shown) => [
    html`<span class="tag">${shown.tag}</span>`,
    count(shown.hits),
    ...(readOnly ? [] : [aimButton(shown)]),
  ]);
  return table('Most used tags', columns, rows, 'No tag has been used yet.');
}

// A masked tag cannot be aimed at: the page does not know its name.
function aimButton({ tag, whole }: ShownTag): Html | string {
  if (!whole) return '–';
  return html`<button type="button" class="small" data-action="aim" data-kind="tags" data-value="${tag}" data-focus="tag-${tag}" aria-label="Invalidate tag ${tag}">Invalidate…</button>`;
}
