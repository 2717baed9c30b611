import http from 'node:http';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SocketsPageData } from '../../src/page/data.js';
import { axeFindings, launchChromium, LOOKS, skipWithout } from '../support/browser.js';
import { guardOn, leak, leakyServer } from '../support/guarded-server.js';
import { dataOf, serveData } from '../support/page-data.js';
import { servePage } from '../support/page.js';
import { follow } from '../support/reports.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';
import { UPLOAD_BYTES } from '../support/upload.js';

const stage = stageOfEachTest();
let browser: Browser | undefined;
beforeAll(async () => {
  browser = await launchChromium();
}, 90_000);
afterAll(() => browser?.close());

/** Opens the page and waits until it has shown its first answer. */
async function open(port: number, options: BrowserContextOptions = {}): Promise<{ page: Page; errors: string[] }> {
  const context = await browser!.newContext(options);
  stage.defer(() => context.close());
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', ({ message }) => errors.push(message));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(`http://127.0.0.1:${port}/debug/sockets`);
  await becomes(page, `document.getElementById('state').textContent.startsWith('Live')`);
  return { page, errors };
}

/** Asked from outside: what the page's policy forbids includes eval, by which Playwright would wait inside of it. */
const becomes = (page: Page, condition: string): Promise<unknown> =>
  until(condition, () => page.evaluate(condition), { timeoutMs: 30_000, everyMs: 50 });

const textOf = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText();

describe('text that a client or a name chose', { timeout: 60_000 }, () => {
  const ATTACK = `"'><img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload=owned=1>javascript:window.owned=1 {{7*7}}`;

  it('is inert in every field, whatever an escape before it has let through', async (context) => {
    skipWithout(browser, context);
    const fields: string[] = [];
    const poison = (value: unknown, path: string): unknown => {
      if (typeof value === 'string' && !/^\.(?:\$schema|time|ended\.\d+\.time|groups\.\d+\.fingerprint)$/.test(path)) {
        fields.push(path.replace(/\d+/g, 'n'));
        return `${ATTACK} ${path}`;
      }
      if (Array.isArray(value)) return value.map((each, i) => poison(each, `${path}.${i}`));
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, poison(each, `${path}.${key}`)]));
    };
    const data = dataOf(3);
    const blind = { ...data.processes[0]!, supported: false, unsupportedReason: 'no addon' };
    const hostile = poison({ ...data, processes: [blind] }, '') as SocketsPageData;
    const { page, errors } = await open((await serveData(stage, () => hostile)).port);
    for (const summary of await page.locator('summary').all()) if (await summary.isVisible()) await summary.click();
    const names = await page.evaluate(
      `[...new Set([...document.body.querySelectorAll('*')].map(({ localName }) => localName))]`,
    );
    expect(names).not.toEqual(expect.arrayContaining(['img']));
    expect(names).not.toEqual(expect.arrayContaining(['svg']));
    expect(await page.locator('script').count(), 'its own').toBe(1);
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(
      await page
        .locator('a:not(.skip)')
        .evaluateAll((links) => links.map((link) => new URL((link as any).href).origin)),
    ).toEqual(['https://github.com', 'https://github.com', 'https://github.com']);
    // Seen as it is: the sentences, names, ids, addresses and code.
    const shown = await page.evaluate('document.body.textContent');
    for (const field of [
      'explanation',
      'fix',
      'waitsFor',
      'registeredAt',
      'requestedBy',
      'traceId',
      'requestId',
      'stack',
      'cause',
      'kind',
    ])
      expect(shown, field).toContain(`${ATTACK} .groups.0.oldest.leak.${field}`);
    expect(shown).toContain(`${ATTACK} .groups.0.test`);
    expect(shown).toContain(`${ATTACK} .processes.0.unsupportedReason`);
    expect(shown).toContain(`${ATTACK} .ended.0.leak.route`);
    expect(fields.length).toBeGreaterThan(100);
    expect(errors).toEqual([]);
  });

  it('is inert where a real client sends it: path, Host, trace ids, upgrade', async (context) => {
    skipWithout(browser, context);
    const guard = guardOn(stage, { closeWaitTimeout: 300, sampleInterval: 50 });
    const server = http.createServer(() => {});
    server.on('upgrade', () => {});
    server.on('connect', () => {});
    const port = await stage.listen(server);
    guard.watch(server, { name: 'shop', routeOf: ({ url }) => url });
    const hostile = `<img/src=x/onerror=owned=1>`;
    const body = `Content-Length: ${UPLOAD_BYTES}\r\n\r\n${'u'.repeat(UPLOAD_BYTES)}`;
    const ids = `traceparent: 00-${hostile}-${hostile}-01\r\nx-request-id: ${hostile}\r\nuser-agent: ${hostile}\r\n`;
    await stage.visit(port, `POST /a/${hostile}?${hostile} HTTP/1.1\r\nHost: ${hostile}\r\n${ids}${body}`);
    await stage.visit(
      port,
      `GET /b/${hostile} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ${hostile}\r\n${ids}\r\n`,
    );
    await stage.visit(port, `CONNECT hostile.test:1 HTTP/1.1\r\nHost: a\r\n${ids}\r\n`);
    await until('three leaks', () => guard.leaks().length === 3, { timeoutMs: 30_000 });
    const { page, errors } = await open(await servePage(stage, guard));
    await becomes(page, `document.querySelectorAll('.group').length === 3`);
    expect(await page.evaluate('window.owned')).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
    expect(errors).toEqual([]);
  });
});

describe('while it is open', { timeout: 60_000 }, () => {
  it('shows what leaks and what is closed, keeps the focus and what is open, and says it', async (context) => {
    skipWithout(browser, context);
    const guard = guardOn(stage, { closeWaitTimeout: 300, sampleInterval: 50 });
    const mail = await leakyServer(stage, guard, 'mail');
    const sockets = await leak(stage, guard, mail.port, 2);
    const { page, errors } = await open(await servePage(stage, guard));
    await becomes(page, `document.querySelectorAll('.group').length === 1`);
    expect(await textOf(page, '.group .measure')).toMatch(/^× 2 · oldest \d+ s$/);
    await page.locator('.group summary').first().press('Enter');
    // A group's sockets are put in when it has opened, which the browser tells of in a later turn.
    await becomes(page, `document.querySelectorAll('.group tbody tr').length === 2`);

    const age = await textOf(page, '.group .measure');
    await becomes(page, `document.querySelector('.group .measure').innerText !== ${JSON.stringify(age)}`);

    const other = await leakyServer(stage, guard, 'other');
    const [last] = await leak(stage, guard, other.port, 1);
    await becomes(page, `document.querySelectorAll('.group').length === 2`);
    expect(await page.locator('.group h3').allInnerTexts()).toEqual(['mail', 'other']);
    expect(await textOf(page, '#announce')).toBe('New: other. 3 leaks are open.');
    expect(await page.title()).toBe('(3) Leaked sockets');
    expect(await page.evaluate(`document.activeElement.localName`), 'the focus').toBe('summary');

    for (const socket of sockets) socket.destroy();
    await becomes(page, `document.querySelectorAll('.group').length === 1`);
    expect(await page.evaluate(`document.activeElement.innerText`), 'on to the next').toBe('other');
    expect(await page.locator('#ended-rows tr').count()).toBe(2);
    last!.destroy();
    await becomes(page, `document.querySelectorAll('.group').length === 0`);
    expect(await page.evaluate(`document.activeElement.id`)).toBe('leaks');
    expect(await textOf(page, '#leaks-note')).toBe('No socket is leaked.');
    expect(follow(guard).leaks).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('asks no more while it is paused or hidden, and says when nobody answers', async (context) => {
    skipWithout(browser, context);
    const { port, asked, server } = await serveData(stage, () => dataOf(3));
    const { page } = await open(port);
    const staysFor = async (ms: number): Promise<number> => {
      await page.waitForLoadState('networkidle');
      const now = asked();
      await page.waitForTimeout(ms);
      return asked() - now;
    };
    await page.locator('#pause').click();
    expect(await textOf(page, '#state')).toMatch(/^Paused since \d\d:\d\d:\d\d$/);
    expect(await staysFor(2_500)).toBe(0);
    await page.locator('#pause').click();
    await until('it to go on', () => asked() > 2);

    const hide = (hidden: boolean): Promise<unknown> =>
      page.evaluate(`Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event('visibilitychange'));`);
    await hide(true);
    expect(await staysFor(2_500)).toBe(0);
    const hidden = asked();
    await hide(false);
    await until('it to go on', () => asked() > hidden);

    server.close();
    server.closeAllConnections();
    await becomes(page, `document.getElementById('state').textContent.startsWith('No answer since ')`);
    expect(await textOf(page, '#announce')).toBe('There is no answer any more.');
    server.listen(port, '127.0.0.1');
    await becomes(page, `document.getElementById('state').textContent.startsWith('Live')`);
  });

  it('changes only what has changed, and moves one group where one has moved', async (context) => {
    skipWithout(browser, context);
    let data = dataOf(100);
    const { port, asked } = await serveData(stage, () => data);
    const { page } = await open(port);
    await page.evaluate(`window.moved = new Set(); new MutationObserver((records) => {
      for (const { addedNodes } of records) for (const node of addedNodes) if (node.localName === 'li') moved.add(node);
    }).observe(document.getElementById('groups'), { childList: true });`);
    const [first, ...rest] = data.groups;
    data = { ...data, groups: [...rest, first!], totals: { ...data.totals, open: 101 } };
    const before = asked();
    await until('the next answers', () => asked() > before + 1);
    await becomes(page, `document.title.startsWith('(101)')`);
    expect(await page.evaluate('moved.size')).toBe(1);
  });
});

describe('with a keyboard', { timeout: 60_000 }, () => {
  it('leads from the skip link to the test to copy', async (context) => {
    skipWithout(browser, context);
    const { port } = await serveData(stage, () => dataOf(3));
    const { page } = await open(port, { permissions: ['clipboard-read', 'clipboard-write'] });
    const focused = (): Promise<string> => page.evaluate(`document.activeElement.innerText`);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the open leaks');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(), 'past the head').toBe('request-body-not-read');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('1 socket');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('A test that makes it again');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Copy');
    await page.keyboard.press('Enter');
    await becomes(page, `document.activeElement.innerText === 'Copied'`);
    expect(await textOf(page, '#announce')).toBe('The test is copied.');
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(dataOf(3).groups[0]!.test);
  });

  it('copies also where a page has no clipboard', async (context) => {
    skipWithout(browser, context);
    const { port } = await serveData(stage, () => dataOf(3));
    const { page } = await open(port);
    await page.evaluate(
      `Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.addEventListener('copy', () => (window.copied = String(getSelection())))`,
    );
    await page.getByText('A test that makes it again').first().click();
    await page
      .getByRole('button', { name: /^Copy the test of/ })
      .first()
      .click();
    await becomes(page, 'window.copied');
    expect(String(await page.evaluate('window.copied')).trim()).toBe(dataOf(3).groups[0]!.test!.trim());
  });
});

describe.each(LOOKS)('%s', { timeout: 60_000 }, (_look, options) => {
  it.for([0, 3, 10_000])(
    'axe-core finds nothing with %i leaks, and nothing is wider than the page',
    async (count, context) => {
      skipWithout(browser, context);
      const data = dataOf(count);
      const { port } = await serveData(stage, () => data);
      const { page } = await open(port, { ...options, bypassCSP: true });
      await page.evaluate(
        `for (const details of [...document.querySelectorAll('details')].slice(0, 9)) details.open = true`,
      );
      expect(await axeFindings(page)).toEqual([]);
      expect(await page.evaluate(`document.documentElement.scrollWidth <= innerWidth`)).toBe(true);
    },
  );
});

describe('a page of another origin', { timeout: 60_000 }, () => {
  it('cannot read it, frame it, run it or show it', async (context) => {
    skipWithout(browser, context);
    const guard = guardOn(stage);
    const port = await servePage(stage, guard);
    const url = `http://127.0.0.1:${port}/debug/sockets`;
    const evil = http.createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<body><iframe src="${url}"></iframe><object data="${url}"></object></body>`);
    });
    const evilPort = await stage.listen(evil);
    const page = await (await browser.newContext()).newPage();
    stage.defer(() => page.context().close());
    await page.goto(`http://localhost:${evilPort}/`);
    const read = await page.evaluate(`(async () => {
      const how = [{}, { mode: 'no-cors' }, { mode: 'cors', credentials: 'include', headers: { 'x-a': '1' } }];
      return Promise.all(how.map((init) => fetch('${url}?format=json', init).then((r) => r.text(), () => 'refused')));
    })()`);
    expect((read as string[]).filter((text) => text !== '' && text !== 'refused')).toEqual([]);
    const frames = page.frames().slice(1);
    for (const frame of frames) expect(await frame.locator('#groups').count()).toBe(0);
    // The other way round: what a person opens from there does not know who opened it.
    const [opened] = await Promise.all([
      page.context().waitForEvent('page'),
      page.evaluate(`void (window.w = open('${url}'))`),
    ]);
    await opened.waitForLoadState();
    expect(await opened.evaluate('opener')).toBeNull();
    expect(await page.evaluate('w.closed'), 'cut off').toBe(true);
  });
});
