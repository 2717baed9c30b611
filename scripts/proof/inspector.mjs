/**
 * The page that a person reads, with 0, 3 and 10,000 real leaks: how large it is, how long an answer holds the event loop of the host at once,
 * how long the page itself is busy, and what axe-core finds in light, dark and narrow.
 *
 *   node scripts/proof/inspector.mjs                         prints the table
 *   node scripts/proof/inspector.mjs --write                 writes it into docs/proof.md
 *   node scripts/proof/inspector.mjs --screenshots FOLDER    and keeps what it looked like
 *
 * It uses what `npm run build` has made, and Chromium. Exits with 1 where a figure is beyond its limit.
 */
/* global document, PerformanceObserver -- in the page */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { axeFindings, launchChromium, LOOKS } from '../chromium.mjs';
import { writeTable } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');
const { values: options } = parseArgs({ options: { write: { type: 'boolean' }, screenshots: { type: 'string' } } });

const MOST_BYTES = 40_000;
const MOST_HOST_MS = 20;
/** From where on a browser calls a task a long one (https://www.w3.org/TR/longtasks-1/), four times: a person sees no pause. */
const MOST_PAGE_MS = 200;
/** Longer than an answer is good for: each is put together anew. */
const APART_MS = 1_100;
const ANSWERS = 20;
const COUNTS = [0, 3, 10_000];
const ROUTES = 300;

const rows = [];
const row = (what, figure, limit, holds) => rows.push([what, figure, limit, holds ? 'holds' : '**does not hold**']);

async function leaking(count, look) {
  const file = path.join(root, 'test/fixtures/programs/page-of-leaks.mjs');
  const child = spawn(process.execPath, [file, String(count), String(ROUTES)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let printed = '';
    for await (const chunk of child.stdout) {
      printed += chunk;
      if (printed.includes('\n')) break;
    }
    const { port, open } = JSON.parse(printed);
    if (open !== count) throw new Error(`${open} sockets leak, not ${count}`);
    await look(`http://127.0.0.1:${port}`);
  } finally {
    child.kill();
  }
}

async function size(origin) {
  const response = await fetch(`${origin}/debug/sockets`, { headers: { accept: 'text/html' } });
  const bytes = Buffer.byteLength(await response.text());
  row(
    'size of the page',
    `${bytes.toLocaleString('en-US')} bytes`,
    `${MOST_BYTES.toLocaleString('en-US')} bytes`,
    bytes <= MOST_BYTES,
  );
}

async function hostCost(origin, count) {
  const ask = () => fetch(`${origin}/debug/sockets`).then((response) => response.arrayBuffer());
  // The first answers are those of cold code.
  for (let i = 0; i < 3; i++) await ask().then(() => sleep(APART_MS));
  await fetch(`${origin}/cost`);
  for (let i = 0; i < ANSWERS; i++) await ask().then(() => sleep(APART_MS));
  const took = await (await fetch(`${origin}/cost`)).json();
  const sorted = (name) => took.map((each) => each[name]).sort((a, b) => a - b);
  const [longest, whole] = [sorted('longestMs'), sorted('wholeMs')];
  const middle = Math.floor(took.length / 2);
  const worst = longest.at(-1);
  const figure = `${longest[middle].toFixed(1)} ms median, ${worst.toFixed(1)} ms worst of ${took.length}; the whole answer ${whole[middle].toFixed(1)} ms median, ${whole.at(-1).toFixed(1)} ms worst`;
  row(
    `host, longest turn of an answer with ${count.toLocaleString('en-US')} leaks`,
    figure,
    `${MOST_HOST_MS} ms`,
    worst <= MOST_HOST_MS,
  );
}

async function seen(browser, origin, count) {
  for (const [name, look] of LOOKS) {
    const context = await browser.newContext({ ...look, bypassCSP: true });
    const page = await context.newPage();
    await page.addInitScript(() => {
      globalThis.longest = 0;
      new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
      }).observe({ type: 'longtask', buffered: true });
    });
    await page.goto(`${origin}/debug/sockets`);
    await page.waitForFunction(() => document.getElementById('state').textContent.startsWith('Live'));
    // So that some answers have changed it.
    await sleep(5_000);
    const longest = await page.evaluate(() => globalThis.longest);
    const findings = await axeFindings(page);
    const leaks = `${count.toLocaleString('en-US')} leaks, ${name}`;
    row(
      `page with ${leaks}: axe-core`,
      `${findings.length} findings${findings.map((each) => `; ${each}`).join('')}`,
      '0',
      findings.length === 0,
    );
    row(
      `page with ${leaks}: longest task`,
      longest === 0 ? 'below 50 ms' : `${longest.toFixed(0)} ms`,
      `${MOST_PAGE_MS} ms`,
      longest <= MOST_PAGE_MS,
    );
    if (options.screenshots) {
      fs.mkdirSync(options.screenshots, { recursive: true });
      await page.screenshot({ path: path.join(options.screenshots, `${count}-${name}.png`) });
    }
    await context.close();
  }
}

const browser = await launchChromium();
if (!browser) {
  console.error('there is no Chromium: bash scripts/install-test-tools.sh');
  process.exit(1);
}
for (const count of COUNTS) {
  await leaking(count, async (origin) => {
    if (count === 0) await size(origin);
    if (count > 1_000) await hostCost(origin, count);
    await seen(browser, origin, count);
  });
}
await browser.close();

for (const cells of rows) console.log(cells.join('  |  '));
if (options.write) {
  const text = `[The page](page.md) that a person reads, of real leaks of ${ROUTES} routes, in Debian's Chromium. "Host" is the longest turn of the event loop of the
process whose sockets leak while it puts an answer together, each anew: the answer is made in turns, and whatever else the loop does in them counts; "longest task" is the page's own, while it is opened and changes (a browser names those beyond 50 ms).`;
  writeTable('inspector', { title: 'The page', text, head: ['what', 'figure', 'limit', 'verdict'], rows, all: true });
}
process.exitCode = rows.every(([, , , verdict]) => verdict === 'holds') ? 0 : 1;
