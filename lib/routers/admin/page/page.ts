import type { AdminView } from '../admin-view.js';
import { type Html, html, jsonForScript, trusted } from '../html.js';
import type { Sample } from '../live-sampler.js';
import { ACTIONS_SCRIPT } from './script-actions.js';
import { CHARTS_SCRIPT } from './script-charts.js';
import { LIVE_SCRIPT } from './script-live.js';
import { type SectionName, sections } from './sections.js';
import { STYLE } from './style.js';

// Runs before anything is painted, so that a chosen theme does not flash.
const THEME_SCRIPT = `try{const t=localStorage.getItem('warmpath-theme');if(t==='dark'||t==='light')document.documentElement.dataset.theme=t}catch(e){}`;

const LOGO = trusted(
  '<svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true"><path d="M3 17c4 0 4-10 9-10s5 10 9 10" fill="none" class="line s-hit"/><circle cx="12" cy="7" r="2.6" class="s-stale"/></svg>',
);

/** The whole page, filled with what is known now; a script then keeps it up to date. */
export function adminPage(view: AdminView, samples: readonly Sample[], nonce: string): string {
  const parts = sections(view, samples.at(-1));
  const live = (name: SectionName, tag: string, attributes = '') =>
    html`<${trusted(tag)} data-section="${name}" ${trusted(attributes)}>${parts[name]}</${trusted(tag)}>`;
  const script = `'use strict';(()=>{${CHARTS_SCRIPT}${LIVE_SCRIPT}${view.readOnly ? '' : ACTIONS_SCRIPT}})();`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
<title>Cache · ${view.namespace}</title><link rel="icon" href="data:,"><script nonce="${nonce}">${trusted(THEME_SCRIPT)}</script><style nonce="${nonce}">${trusted(STYLE)}</style></head><body>
<a class="skip" href="#main">Skip to content</a>
<header><div class="top"><h1>${LOGO}warmpath</h1>
<nav aria-label="Sections"><a href="#traffic">Traffic</a><a href="#entries">Entries</a><a href="#limits">Limits</a><a href="#decisions">Decisions</a>${!view.readOnly && html`<a href="#actions">Actions</a>`}</nav>
<div class="tools"><span class="live" id="live" data-state="waiting"><i></i><span>Connecting</span></span><button type="button" id="pause" aria-pressed="false">Pause</button><button type="button" id="theme">Theme</button></div></div></header>
<main id="main"><p id="announce" class="sr" role="status"></p>
${live('state', 'div', 'class="state"')}
${live('overview', 'dl', 'class="tiles"')}
<div class="charts" id="traffic">${CHARTS.map(chart)}</div>
<section class="card" aria-labelledby="routes-h">${heading('routes-h', 'Routes', 'hit ratio and the cost of a fill')}${live('routes', 'div')}</section>
${!view.readOnly && actions()}
<div class="cols" id="entries">
${card('Top keys', 'estimated from a sample of hits; what could identify someone is masked', live('keys', 'div'), 'wide')}
${card('Top tags', 'estimated from the same sample', live('tags', 'div'))}
${card('Last invalidations', 'seen by this process', live('invalidations', 'div'))}
</div>
<div class="cols" id="limits">${card('Rate limits', 'since this process started', live('limits', 'div'))}${card('Busiest clients', 'named by digest', live('busiest', 'div'))}</div>
<div class="cols" id="decisions">${card('Decisions', 'what was not a plain hit, and why', live('decisions', 'div'), 'wide')}${card('Not stored', 'by reason', live('reasons', 'div'))}${card('Findings', 'inputs a handler read that its key does not cover', live('findings', 'div'))}</div>
</main><footer>Figures are of this process; Redis figures are of the whole fleet.</footer>
<script type="application/json" id="state" nonce="${nonce}">${jsonForScript({ samples })}</script>
<script nonce="${nonce}">${trusted(script)}</script></body></html>`.text;
}

const CHARTS = [
  { name: 'traffic', title: 'Requests per second by result', empty: 'No request in the last ten minutes' },
  { name: 'ratio', title: 'Hit ratio', empty: 'Nothing looked up in the last ten minutes' },
  { name: 'latency', title: 'Latency', empty: 'Mount requestMetrics() to see latency' },
  { name: 'memory', title: 'Redis memory', empty: 'No figures of Redis' },
];

function chart({ name, title, empty }: (typeof CHARTS)[number]): Html {
  return html`<figure class="card" data-chart="${name}"><figcaption><h2>${title}</h2><ul class="legend"></ul></figcaption><svg class="plot" role="img" aria-label="${title}" data-empty="${empty}"></svg><div class="tip" hidden></div></figure>`;
}

function heading(id: string, title: string, note: string): Html {
  return html`<div class="head"><h2 id="${id}">${title}</h2><p>${note}</p></div>`;
}

function card(title: string, note: string, body: Html, kind = ''): Html {
  const id = `${title.toLowerCase().replace(/\W+/g, '-')}-h`;
  return html`<section class="card ${kind}" aria-labelledby="${id}">${heading(id, title, note)}${body}</section>`;
}

function actions(): Html {
  return html`<section class="card" id="actions" aria-labelledby="actions-h">${heading('actions-h', 'Invalidate', 'preview first: nothing is dropped until you say so')}
<form id="aim" autocomplete="off"><label class="field">By<select name="kind"><option value="tags">tag</option><option value="urls">URL</option><option value="keys">key</option><option value="prefix">prefix</option></select></label>
<label class="field grow">Value (several tags, URLs or keys: separated by blanks)<input type="text" name="value" required maxlength="2048" spellcheck="false"></label>
<label class="check"><input type="checkbox" name="soft">Only stale (soft)</label>
<button type="submit">Preview</button><button type="button" id="go" class="primary" disabled>Invalidate</button><button type="button" id="flush" class="danger">Flush all…</button></form>
<div class="result" id="result" role="status"></div>
<dialog id="flush-dialog" aria-labelledby="flush-h"><h2 id="flush-h">Drop every entry?</h2><p>Every entry of this namespace becomes unusable in every process, and every request goes to its handler until the cache is warm again. Other data in Redis is not touched.</p><form method="dialog"><button value="">Cancel</button><button value="flush" class="danger">Flush all</button></form></dialog></section>`;
}
