/** Draws the charts as SVG from samples. Plain browser script: no build step, no library, no inline styles. */
export const CHARTS_SCRIPT = `
const SVG = 'http://www.w3.org/2000/svg';
const svg = (name, attributes, text) => {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  return node;
};
const el = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const rate = (v) => v === null ? '–' : v === 0 ? '0/s' : v < 10 ? v.toFixed(1) + '/s' : Math.round(v).toLocaleString('en-US') + '/s';
const share = (v) => v === null ? '–' : (v * 100).toFixed(1) + ' %';
const time = (v) => v === null ? '–' : v === 0 ? '0' : v < 0.001 ? (v * 1e6).toFixed(0) + ' µs' : v < 1 ? (v * 1000).toFixed(v < 0.01 ? 2 : v < 0.1 ? 1 : 0) + ' ms' : v.toFixed(2) + ' s';
const bytes = (v) => { if (v === null) return '–'; let u = 0; while (v >= 1024 && u < 4) { v /= 1024; u++; } return (u ? v.toFixed(1) : v) + ' ' + ['B', 'KB', 'MB', 'GB', 'TB'][u]; };

const CHARTS = {
  traffic: { kind: 'area', format: rate, series: [['hit', 'Hit', 'hit'], ['stale', 'Stale', 'stale'], ['miss', 'Miss', 'miss'], ['bypass', 'Bypass', 'bypass']] },
  ratio: { kind: 'line', format: share, max: 1, fill: true, series: [['ratio', 'Hit ratio', 'hit']] },
  latency: { kind: 'line', log: true, format: time, series: [['p50', 'p50', 'accent', 'dots'], ['p95', 'p95', 'accent'], ['p99', 'p99', 'accent', 'dash'], ['hitP95', 'hit p95', 'hit'], ['missP95', 'miss p95', 'miss']] },
  memory: { kind: 'line', format: bytes, fill: true, binary: true, series: [['memoryUsed', 'Used', 'accent'], ['memoryMax', 'Limit', 'bypass', 'dash']] },
};
const SPANS = [120000, 300000, 600000];
// A process that has just started does not fill ten minutes: show no more than there is.
const spanOf = (samples) => {
  const seen = samples.length ? samples[samples.length - 1].at - samples[0].at : 0;
  return SPANS.find((one) => seen <= one * 1.05) || SPANS[SPANS.length - 1];
};
const PAD = { left: 62, right: 10, top: 10, bottom: 22 };

function niceMax(value, binary) {
  if (!(value > 0)) return binary ? 1048576 : 1;
  if (binary) return Math.pow(2, Math.ceil(Math.log2(value)));
  const power = Math.pow(10, Math.floor(Math.log10(value)));
  const step = [1, 2, 2.5, 5, 10].find((one) => value <= one * power * 1.0001);
  return step * power;
}

function scale(chart, samples, width, height) {
  const shown = chart.series.filter(([key]) => !(key === 'memoryMax' && !samples.some((one) => one.memoryMax)));
  const value = (one, key) => key === 'memoryMax' && one[key] === 0 ? null : one[key];
  let top = 0, low = Infinity;
  for (const one of samples) {
    if (chart.log) for (const [key] of shown) if (one[key] > 0) low = Math.min(low, one[key]);
    if (chart.kind === 'area') top = Math.max(top, shown.reduce((sum, [key]) => sum + one[key], 0));
    else for (const [key] of shown) top = Math.max(top, value(one, key) || 0);
  }
  // Hits and misses are orders of magnitude apart: on a straight scale one of them would lie on the floor.
  const max = chart.max || (chart.log ? Math.pow(10, Math.ceil(Math.log10(top || 1))) : niceMax(top, chart.binary));
  const min = chart.log ? Math.min(max / 10, Math.pow(10, Math.floor(Math.log10(low < Infinity ? low : 0.001)))) : 0;
  const part = (v) => chart.log ? Math.log(Math.max(v, min) / min) / Math.log(max / min) : v / max;
  const span = spanOf(samples);
  const end = samples.length ? samples[samples.length - 1].at : Date.now();
  return {
    shown, value, max, min, end, span,
    x: (at) => PAD.left + (width - PAD.left - PAD.right) * (1 - (end - at) / span),
    y: (v) => PAD.top + (height - PAD.top - PAD.bottom) * (1 - part(v)),
  };
}

function drawGrid(root, chart, s, width, height) {
  const ticks = [];
  if (chart.log) for (let v = s.max; v >= s.min * 0.999; v /= 10) ticks.push(v);
  else ticks.push(0, s.max / 2, s.max);
  for (const v of ticks) {
    const y = Math.round(s.y(v)) + 0.5;
    root.append(svg('line', { class: 'grid', x1: PAD.left, x2: width - PAD.right, y1: y, y2: y }));
    root.append(svg('text', { x: PAD.left - 8, y: y + 4, 'text-anchor': 'end' }, chart.format(v)));
  }
  const parts = width < 420 ? 2 : s.span === SPANS[0] ? 4 : 5;
  for (let i = 0; i <= parts; i++) {
    const ago = s.span * (1 - i / parts), minutes = ago / 60000;
    const anchor = i === parts ? 'end' : i === 0 ? 'start' : 'middle';
    const label = i === parts ? 'now' : minutes < 1 ? '−' + Math.round(ago / 1000) + ' s' : '−' + Math.round(minutes * 10) / 10 + ' min';
    root.append(svg('text', { x: s.x(s.end - ago), y: height - 5, 'text-anchor': anchor }, label));
  }
}

// Points of one series, cut where there is nothing to show.
function runsOf(samples, read) {
  const runs = [];
  let run = null;
  for (const one of samples) {
    const v = read(one);
    if (v === null || v === undefined) { run = null; continue; }
    if (!run) runs.push(run = []);
    run.push([one.at, v]);
  }
  return runs;
}

function drawAreas(root, samples, s) {
  const base = samples.map(() => 0);
  for (const [key, , color] of s.shown) {
    const upper = samples.map((one, i) => base[i] + one[key]);
    const forth = samples.map((one, i) => s.x(one.at).toFixed(1) + ',' + s.y(upper[i]).toFixed(1));
    const back = samples.map((one, i) => s.x(one.at).toFixed(1) + ',' + s.y(base[i]).toFixed(1)).reverse();
    if (samples.length) root.append(svg('polygon', { class: 'area s-' + color, points: forth.concat(back).join(' ') }));
    for (let i = 0; i < base.length; i++) base[i] = upper[i];
  }
}

function drawLines(root, chart, samples, s) {
  for (const [key, , color, stroke] of s.shown) {
    for (const run of runsOf(samples, (one) => s.value(one, key))) {
      const points = run.map(([at, v]) => s.x(at).toFixed(1) + ',' + s.y(v).toFixed(1));
      if (chart.fill && !stroke) {
        const floor = s.y(0).toFixed(1), first = points[0].split(',')[0], last = points[points.length - 1].split(',')[0];
        root.append(svg('polygon', { class: 'under s-' + color, points: first + ',' + floor + ' ' + points.join(' ') + ' ' + last + ',' + floor }));
      }
      root.append(svg('polyline', { class: 'line s-' + color + (stroke ? ' ' + stroke : ''), points: points.join(' ') }));
    }
  }
}

function swatch(chart, color, stroke) {
  const box = svg('svg', { class: 'swatch', viewBox: '0 0 16 10', 'aria-hidden': 'true' });
  box.append(chart.kind === 'area' ? svg('rect', { class: 's-' + color, x: 3, width: 10, height: 10, rx: 3 }) : svg('path', { class: 'line s-' + color + (stroke ? ' ' + stroke : ''), d: 'M1 5H15' }));
  return box;
}

function drawLegend(figure, chart, samples, s) {
  const last = samples[samples.length - 1];
  const items = s.shown.map(([key, label, color, stroke]) => {
    const item = el('li');
    item.append(swatch(chart, color, stroke), label + ' ', el('b', '', last ? chart.format(s.value(last, key)) : '–'));
    return item;
  });
  figure.querySelector('.legend').replaceChildren(...items);
  return s.shown.map(([key, label]) => label + ' ' + (last ? chart.format(s.value(last, key)) : 'no value')).join(', ');
}

function draw(figure, samples) {
  const chart = CHARTS[figure.dataset.chart], plot = figure.querySelector('.plot');
  const width = Math.max(260, plot.clientWidth), height = plot.clientHeight || 190;
  const recent = samples.filter((one) => one.at > (samples.length ? samples[samples.length - 1].at : 0) - SPANS[2]);
  const s = scale(chart, recent, width, height);
  const root = document.createDocumentFragment();
  drawGrid(root, chart, s, width, height);
  if (chart.kind === 'area') drawAreas(root, recent, s); else drawLines(root, chart, recent, s);
  const empty = !recent.some((one) => s.shown.some(([key]) => one[key] !== null && (chart.kind !== 'area' || one[key] > 0)));
  if (empty) root.append(svg('text', { class: 'none', x: (width + PAD.left) / 2, y: height / 2 - 14, 'text-anchor': 'middle' }, plot.dataset.empty));
  plot.setAttribute('viewBox', '0 0 ' + width + ' ' + height);
  plot.replaceChildren(root);
  const latest = drawLegend(figure, chart, recent, s);
  plot.setAttribute('aria-label', figure.querySelector('h2').textContent + ' over the last ' + s.span / 60000 + ' minutes. Now: ' + latest);
  figure.scale = { s, recent, chart, width };
}

function hover(figure) {
  const plot = figure.querySelector('.plot'), tip = figure.querySelector('.tip');
  const hide = () => { tip.hidden = true; const c = plot.querySelector('.cursor'); if (c) c.remove(); };
  plot.addEventListener('pointerleave', hide);
  plot.addEventListener('pointermove', (event) => {
    const { s, recent, chart, width } = figure.scale || {};
    if (!recent || !recent.length) return;
    const box = plot.getBoundingClientRect(), x = (event.clientX - box.left) * width / box.width;
    let near = recent[0];
    for (const one of recent) if (Math.abs(s.x(one.at) - x) < Math.abs(s.x(near.at) - x)) near = one;
    hide();
    plot.append(svg('line', { class: 'cursor', x1: s.x(near.at), x2: s.x(near.at), y1: PAD.top, y2: plot.clientHeight - PAD.bottom }));
    tip.replaceChildren(el('div', '', new Date(near.at).toLocaleTimeString()));
    for (const [key, label, color, stroke] of s.shown) {
      const row = el('div');
      row.append(swatch(chart, color, stroke), label, el('span', '', chart.format(s.value(near, key))));
      tip.append(row);
    }
    tip.hidden = false;
    const at = s.x(near.at) * box.width / width + plot.offsetLeft;
    tip.style.left = Math.max(4, at > figure.clientWidth / 2 ? at - tip.offsetWidth - 12 : at + 12) + 'px';
  });
}
`;
