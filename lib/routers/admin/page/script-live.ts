/** Keeps the page up to date: server-sent events, and asking every few seconds where these do not get through. */
export const LIVE_SCRIPT = `
const state = JSON.parse(document.getElementById('state').textContent);
let samples = state.samples, paused = false, source = null, poll = 0, failures = 0;
const figures = [...document.querySelectorAll('figure[data-chart]')];
const redraw = () => { for (const figure of figures) draw(figure, samples); };
const say = (text) => { document.getElementById('announce').textContent = text; };

function setLive(kind, text) {
  const node = document.getElementById('live');
  node.dataset.state = kind;
  node.querySelector('span').textContent = text;
}

// The markup comes from our own server, which escapes every text in it.
function swap(name, markup) {
  const node = document.querySelector('[data-section="' + name + '"]');
  if (!node || node.dataset.markup === markup) return;
  const chosen = getSelection();
  if (chosen && !chosen.isCollapsed && node.contains(chosen.anchorNode)) return;
  const focused = node.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  const area = node.querySelector('.scroll'), top = area ? area.scrollTop : 0, left = area ? area.scrollLeft : 0;
  const onArea = area && area === document.activeElement;
  node.innerHTML = markup;
  const now = node.querySelector('.scroll');
  if (now) { now.scrollTop = top; now.scrollLeft = left; if (onArea) now.focus({ preventScroll: true }); }
  if (focused) { const again = [...node.querySelectorAll('[data-focus]')].find((one) => one.dataset.focus === focused); if (again) again.focus({ preventScroll: true }); }
}

function apply(update) {
  const last = samples.length ? samples[samples.length - 1].at : 0;
  samples = samples.concat(update.samples.filter((one) => one.at > last)).slice(-300);
  for (const name in update.sections) swap(name, update.sections[name]);
  redraw();
}

async function ask() {
  try {
    const last = samples.length ? samples[samples.length - 1].at : 0;
    const response = await fetch('observability/data?since=' + last, { headers: { Accept: 'application/json' } });
    if (!response.ok) throw new Error(String(response.status));
    apply(await response.json());
    failures = 0;
    setLive('polling', 'Polling');
  } catch (error) {
    failures++;
    setLive('lost', 'Connection lost');
  }
  if (!paused && poll) poll = setTimeout(ask, Math.min(30000, 3000 * (failures + 1)));
}

function startPolling() {
  if (source) source.close();
  source = null;
  if (!poll) { poll = 1; void ask(); }
}

function listen() {
  clearTimeout(poll); poll = 0;
  if (!window.EventSource) return startPolling();
  let heard = false;
  source = new EventSource('observability/events');
  // A proxy that buffers lets the stream open and nothing through.
  const patience = setTimeout(() => { if (!heard) startPolling(); }, 7000);
  source.addEventListener('update', (event) => {
    heard = true; failures = 0;
    clearTimeout(patience);
    setLive('live', 'Live');
    apply(JSON.parse(event.data));
  });
  source.onerror = () => {
    clearTimeout(patience);
    setLive('lost', 'Reconnecting');
    if (source && source.readyState === EventSource.CLOSED && ++failures < 5) { source = null; startPolling(); }
  };
}

function pause(on) {
  paused = on;
  const button = document.getElementById('pause');
  button.setAttribute('aria-pressed', String(on));
  button.textContent = on ? 'Resume' : 'Pause';
  if (on) { if (source) source.close(); source = null; clearTimeout(poll); poll = 0; setLive('paused', 'Paused'); }
  else listen();
}

document.getElementById('pause').addEventListener('click', () => pause(!paused));
document.getElementById('theme').addEventListener('click', () => {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.dataset.theme || (dark ? 'dark' : 'light');
  const next = now === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try { localStorage.setItem('warmpath-theme', next); } catch (error) { /* storage is switched off: the choice lasts for this page */ }
});
for (const figure of figures) hover(figure);
new ResizeObserver(redraw).observe(document.querySelector('.charts'));
addEventListener('pagehide', () => { if (source) source.close(); });
redraw();
listen();
`;
