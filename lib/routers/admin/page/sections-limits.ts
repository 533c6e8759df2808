import type { AdminView } from '../admin-view.js';
import { count } from '../format.js';
import { type Html, html } from '../html.js';
import { bar, table } from './table.js';

const STORES = {
  redis: 'Redis',
  memory: 'this process',
  local: 'this process (Redis away)',
} as const;

/** What every tier of every limiter admitted and refused. */
export function limitsSection({ limiters }: AdminView): Html {
  const rows = limiters.flatMap(({ name, mode, store, tiers }) =>
    Object.entries(tiers).map(([tier, { allowed, limited, shadow, local, error }]) => {
      const refused = limited + shadow;
      const all = allowed + refused + local + error;
      return [
        html`<code>${name}</code>${mode === 'shadow' && html` <span class="tag">shadow</span>`}`,
        html`<span class="tag">${tier}</span>`,
        count(allowed + local),
        bar(all === 0 ? 0 : refused / all, count(refused)),
        count(error),
        html`<span class="${store === 'local' ? 'bad-text' : ''}">${STORES[store]}</span>`,
      ];
    }),
  );
  const columns = [
    { name: 'Limiter' },
    { name: 'Tier' },
    { name: 'Admitted', number: true },
    { name: 'Refused' },
    { name: 'Uncounted', number: true },
    { name: 'Counted in' },
  ];
  return table('Rate limits per tier', columns, rows, 'No rate limiter in this process.');
}

/** The clients that ask most, named by digest. */
export function busiestSection({ limiters }: AdminView): Html {
  const rows = limiters
    .flatMap(({ name, busiest }) => busiest.map((client) => ({ name, ...client })))
    .sort((a, b) => b.requests - a.requests)
    .slice(0, 20)
    .map(({ name, key, tier, requests, limited }) => [
      html`<code>${key.slice(0, 16)}</code>`,
      html`<code>${name}</code>`,
      html`<span class="tag">${tier}</span>`,
      count(requests),
      bar(requests === 0 ? 0 : limited / requests, count(limited)),
    ]);
  const columns = [
    { name: 'Client' },
    { name: 'Limiter' },
    { name: 'Tier' },
    { name: 'Requests ≈', number: true },
    { name: 'Refused' },
  ];
  return table('Busiest clients', columns, rows, 'No client has been counted yet.');
}
