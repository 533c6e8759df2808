import { type Html, html } from '../html.js';

/** A column: its heading, and whether it holds numbers. */
export interface Column {
  readonly name: string;
  readonly number?: boolean;
  /** Long text: wraps. */
  readonly text?: boolean;
}

/** A table that scrolls sideways on its own, and says so when it is empty. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly (Html | string)[])[],
  empty: string,
): Html {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  const head = columns.map(({ name, number }) => html`<th scope="col"${number ? html` class="num"` : ''}>${name}</th>`);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption class="sr">${caption}</caption><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => tableRow(columns, row))}</tbody></table></div>`;
}

function tableRow(columns: readonly Column[], cells: readonly (Html | string)[]): Html {
  const rest = cells.slice(1).map((cell, index) => html`<td${cellClass(columns[index + 1])}>${cell}</td>`);
  return html`<tr><th scope="row">${cells[0]}</th>${rest}</tr>`;
}

function cellClass(column: Column | undefined): Html | '' {
  if (column?.number) return html` class="num"`;
  return column?.text ? html` class="text"` : '';
}

/** A share as a small bar with its number. Drawn, not styled: the page allows no inline styles. */
export function bar(share: number, text: string): Html {
  return html`<span class="bar">${shareBar(share)}${text}</span>`;
}

/** The bar alone; what it says stands beside it. */
export function shareBar(share: number): Html {
  const width = Math.max(0, Math.min(1, share)) * 60;
  return html`<svg class="share" width="60" height="8" aria-hidden="true"><rect class="rail" width="60" height="8" rx="4"/><rect class="fill" width="${width.toFixed(1)}" height="8" rx="4"/></svg>`;
}
