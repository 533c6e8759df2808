import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ALLOWED, adminApp } from '../routers/support/admin-app.js';
import { requireProgram } from '../support/programs.js';

// Run in the page, so they are text here: this project does not know the browser's types.
const INJECT = `{
  const script = document.createElement('script');
  script.textContent = 'window.injected = true';
  document.body.append(script);
}`;
const NAMELESS = `[...document.querySelectorAll('button, a, input, select, [role=img], [role=region]')]
  .filter((one) => !(one.getAttribute('aria-label') || one.textContent.trim() || one.labels?.length))
  .map((one) => one.outerHTML)`;

let browser: Browser;

beforeAll(async () => {
  const executablePath = await requireProgram('chromium');
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}, 300_000);
afterAll(() => browser.close());

/** Opens the page, and fails the test for anything the browser complains of: a script error, a blocked resource. */
async function open(url: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  onTestFinished(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(url);
  return page;
}

const live = (page: Page) => page.waitForSelector('#live[data-state=live]', { timeout: 10_000 });

describe('the admin page in a browser', { timeout: 90_000 }, () => {
  it('renders before its script has heard anything, then is live and its charts move under traffic', async () => {
    const { url, base } = await adminApp();
    await fetch(`${url}/movies/1`);
    const page = await open(`${base}/observability`);
    expect(await page.title()).toBe('Cache · warmpath');
    expect(await page.locator('[data-section=routes] code').allTextContents()).toEqual(['/movies/:id']);
    await live(page);
    const before = await page.locator('figure[data-chart=traffic] .plot').getAttribute('aria-label');
    for (let i = 0; i < 60; i++) await fetch(`${url}/movies/${i % 3}`);
    await vi.waitFor(
      async () => {
        const label = await page.locator('figure[data-chart=traffic] .plot').getAttribute('aria-label');
        expect(label).not.toBe(before);
        expect(label).toMatch(/Hit [1-9]/);
      },
      { timeout: 10_000, interval: 200 },
    );
    expect(await page.locator('figure[data-chart=traffic] polygon').count()).toBe(4);
    // The tables come with the next of their own updates.
    await vi.waitFor(
      async () => expect(await page.locator('[data-section=routes] tbody tr').first().textContent()).toMatch(/9\d\.\d/),
      { timeout: 15_000, interval: 200 },
    );
  });

  it('previews an invalidation and carries it out', async () => {
    const { url, base, runs } = await adminApp();
    await fetch(`${url}/movies/1`);
    await fetch(`${url}/movies/2`);
    const page = await open(`${base}/observability`);
    await live(page);
    await page.fill('#aim [name=value]', 'movie:1');
    expect(await page.locator('#go').isDisabled()).toBe(true);
    await page.press('#aim [name=value]', 'Enter');
    await page.waitForSelector('#result li');
    expect(await page.locator('#result').textContent()).toBe('This would drop 1 entry./movies/1');
    await page.click('#go');
    await page.waitForSelector('#result:has-text("unusable")');
    await fetch(`${url}/movies/2`);
    expect(runs.count).toBe(2);
    await fetch(`${url}/movies/1`);
    expect(runs.count).toBe(3);
    await page.waitForSelector('[data-section=invalidations] code:has-text("movie:1")', { timeout: 8000 });
  });

  it('flushes only after its dialog was confirmed', async () => {
    const { url, base, cache } = await adminApp();
    await fetch(`${url}/movies/1`);
    const page = await open(`${base}/observability`);
    await page.click('#flush');
    await page.press('dialog', 'Escape');
    expect(cache.stats().entries).toBe(1);
    await page.click('#flush');
    await page.click('dialog button.danger');
    await page.waitForSelector('#result:has-text("empty")');
    expect(await (await fetch(`${base}/cache/keys`)).json()).toMatchObject({ keys: [] });
  });

  it('shows hostile keys, tags and routes as text (A6.5)', async () => {
    const { url, base, cache } = await adminApp();
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(2)</script>',
      '"><svg onload=alert(3)>',
      "' autofocus onfocus=alert(4) x='",
    ];
    for (const [index, text] of hostile.entries()) {
      for (let i = 0; i < 200; i++) await fetch(`${url}/movies/${encodeURIComponent(text)}`);
      cache.events.emit({ type: 'invalidation', kind: 'tags', soft: false, targets: [text], acknowledged: 'memory' });
      cache.events.emit({ type: 'not-stored', cache: text, reason: `${text}${index}` });
    }
    const page = await open(`${base}/observability`);
    await live(page);
    expect(await page.locator('main img, main svg[onload], main [onfocus], main script').count()).toBe(0);
    expect(await page.locator('[data-section=decisions]').textContent()).toContain(hostile[1]);
    expect(await page.locator('[data-section=invalidations]').textContent()).toContain(hostile[0]);
    await page.fill('#aim [name=value]', `movie:${hostile[1]}`);
    await page.click('#aim button[type=submit]');
    await page.waitForSelector('#result p');
  });

  it('forbids everything foreign, by a policy without exceptions', async () => {
    const { base } = await adminApp();
    const policy = (await fetch(`${base}/observability`)).headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; script-src 'nonce-[\w+/=]{22,}'; style-src 'nonce-[\w+/=]{22,}';/);
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    const refused: string[] = [];
    page.on('console', (message) => refused.push(message.text()));
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).origin));
    await page.goto(`${base}/observability`);
    await page.evaluate(INJECT);
    expect(await page.evaluate('window.injected')).toBeUndefined();
    expect(refused.join()).toContain('Content Security Policy');
    expect(new Set(asked)).toEqual(new Set([new URL(base).origin]));
  });

  it('cannot be driven by a page of another site (A6.2)', async () => {
    const { base, cache, url } = await adminApp();
    const evil = await adminApp({
      before: [(req, res, next) => (req.path === '/evil' ? void res.type('html').send(trap(base)) : next())],
    });
    const clear = vi.spyOn(cache, 'clear');
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${evil.url.replace('127.0.0.1', 'localhost')}/evil`);
    await page.waitForFunction('document.title === "done"');
    expect(clear).not.toHaveBeenCalled();
    // The same requests from the site itself are let through: it is where they come from that was refused.
    const ours = await fetch(`${base}/cache/flush`, {
      method: 'POST',
      headers: { ...ALLOWED, origin: url },
      body: '{}',
    });
    expect(ours.status).toBe(200);
    expect(clear).toHaveBeenCalledOnce();
  });

  it('asks by itself where event streams do not get through', async () => {
    const { url, base } = await adminApp({
      before: [(req, res, next) => (req.path.endsWith('/events') ? void res.status(502).end() : next())],
    });
    const page = await browser.newPage();
    onTestFinished(() => page.close());
    await page.goto(`${base}/observability`);
    await page.waitForSelector('#live[data-state=polling]', { timeout: 10_000 });
    await fetch(`${url}/movies/1`);
    await page.waitForSelector('[data-section=routes] code:has-text("/movies/:id")', { timeout: 10_000 });
  });

  it.each([
    ['phone', 390, 844],
    ['desktop', 1360, 900],
  ])(
    'fits a %s, in light and in dark, and every control can be reached and has a name',
    async (_device, width, height) => {
      const { url, base } = await adminApp();
      for (let i = 0; i < 40; i++) await fetch(`${url}/movies/${'long'.repeat(30)}${i}`);
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await open(`${base}/observability`, { viewport: { width, height }, colorScheme });
        await live(page);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        expect(background).toBe(colorScheme === 'light' ? 'rgb(246, 247, 249)' : 'rgb(14, 18, 23)');
        const nameless = await page.evaluate(NAMELESS);
        expect(nameless).toEqual([]);
        await page.keyboard.press('Tab');
        expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content');
      }
    },
  );
});

/** A page that tries what another site can try: forms, images, fetches. */
function trap(base: string): string {
  return `<!doctype html><iframe name=sink></iframe>
<form id=a method=post enctype="text/plain" target=sink action="${base}/cache/flush"><input name='{"a":"' value='"}'></form>
<form id=b method=post target=sink action="${base}/cache/flush"></form><img src="${base}/cache/flush">
<script>(async()=>{
a.submit(); b.submit();
const init={method:'POST',mode:'no-cors',credentials:'include',body:'{}'};
await fetch('${base}/cache/flush',init).catch(()=>{});
await fetch('${base}/cache/flush',{...init,headers:{'Content-Type':'text/plain'}}).catch(()=>{});
await fetch('${base}/cache/flush',{...init,mode:'cors',headers:{'Content-Type':'application/json','X-Requested-With':'x'}}).catch(()=>{});
await new Promise(done=>setTimeout(done,500)); document.title='done';
})()</script>`;
}
