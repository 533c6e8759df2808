/** The buttons: preview before anything is dropped, and a dialog before everything is. Left out when read-only. */
export const ACTIONS_SCRIPT = String.raw`
const aim = document.getElementById('aim'), result = document.getElementById('result'), go = document.getElementById('go');
let previewed = null;

async function post(path, body) {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Requested-With': 'warmpath', Accept: 'application/json' },
    body: JSON.stringify(body || {}),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.message || 'refused (' + response.status + ')');
  return answer;
}

const target = () => {
  const kind = aim.elements.kind.value, text = aim.elements.value.value.trim();
  if (kind === 'prefix') return { prefix: text };
  return { [kind]: text.split(/\s+/).filter(Boolean) };
};
const disarm = () => { previewed = null; go.disabled = true; };
const report = (...nodes) => { result.replaceChildren(...nodes); };
const failed = (error) => { disarm(); report(el('p', 'bad-text', 'Not done: ' + error.message)); };

function showPreview(answer) {
  const many = (answer.exact ? '' : 'at least ') + answer.entries.toLocaleString('en-US');
  const line = el('p', '', answer.entries === 0 && answer.exact ? 'This would drop nothing that is stored now.' : 'This would drop ' + many + (answer.entries === 1 ? ' entry.' : ' entries.'));
  const list = el('ul');
  for (const key of answer.sample) { const item = el('li'); item.append(el('code', '', key)); list.append(item); }
  report(line, ...(answer.sample.length ? [list] : []));
}

async function preview() {
  disarm();
  const body = target();
  try {
    showPreview(await post('cache/preview', body));
    previewed = body;
    go.disabled = false;
  } catch (error) { failed(error); }
}

aim.addEventListener('input', () => { disarm(); report(); });
aim.addEventListener('submit', (event) => { event.preventDefault(); void preview(); });
go.addEventListener('click', async () => {
  if (!previewed) return;
  const body = { ...previewed, soft: aim.elements.soft.checked };
  try {
    await post('cache/invalidate', body);
    disarm();
    report(el('p', '', body.soft ? 'Done. These entries are stale from now on.' : 'Done. These entries are unusable from now on.'));
  } catch (error) { failed(error); }
});

document.addEventListener('click', async (event) => {
  const button = event.target.closest('button[data-action]');
  if (!button) return;
  const { action, id, kind, value } = button.dataset;
  if (action === 'aim') {
    aim.elements.kind.value = kind;
    aim.elements.value.value = value;
    aim.elements.value.focus();
    aim.scrollIntoView({ block: 'center' });
    await preview();
  }
  if (action === 'refresh') {
    button.disabled = true;
    try { say((await post('cache/refresh', { id })).refreshed ? 'Refreshed.' : 'This entry cannot be refreshed.'); }
    catch (error) { say('Not refreshed: ' + error.message); }
    button.disabled = false;
  }
});

const dialog = document.getElementById('flush-dialog');
document.getElementById('flush').addEventListener('click', () => dialog.showModal());
dialog.addEventListener('close', async () => {
  if (dialog.returnValue !== 'flush') return;
  dialog.returnValue = '';
  try { await post('cache/flush'); report(el('p', '', 'Done. The namespace is empty.')); say('Flushed.'); }
  catch (error) { failed(error); }
});
`;
