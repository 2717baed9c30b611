import { mkdirSync, symlinkSync, writeFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { environmentOfAUser, root, runNode } from '../../support/programs.js';
import { temporaryFile } from '../../support/preloaded.js';
import { Stage } from '../../support/stage.js';
import { pages, type Block } from './docs-pages.js';

/** What README.md and docs/ say to test with, each a test file of its own on applications that leak. */
const red = pages()
  .flatMap(({ blocks }) => blocks)
  .filter(({ use }) => use === 'red');
const titleOf = ({ page, line }: Block): string => `${page}:${line}`;

/** What the snippets take for given, leaking. */
const GIVEN = `
import Fastify from 'fastify';
import express from 'express';
import http from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
const app = Fastify();
app.addContentTypeParser('image/png', (_request, payload, done) => done(null, payload));
app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
app.post('/items/:id', () => new Promise(() => {}));
app.server.httpAllowHalfOpen = true;
app.get('/report', (_request, reply) => { reply.hijack(); reply.raw.write('begin'); });
const expressApp = express().post('/carts/:cart', () => {});
const webSocketServer = new WebSocketServer({ server: http.createServer() });
webSocketServer.on('connection', (webSocket) => webSocket.on('error', () => {}).pause());
const onConnection = () => {};
const lineOfTheLog = JSON.stringify({ event: 'leak', leak: {
  kind: 'close-wait', cause: 'request-body-not-read', side: 'inbound', method: 'POST', route: '/items/:id', path: '/items/7',
} });
const headers = { 'content-type': 'image/png' };
afterEach(() => app.close());
`;

/** Its imports, then the rest; a snippet without tests is the body of one. */
function testFileOf({ code }: Block): string {
  const imports = code.match(/^import .*$/gm) ?? [];
  const rest = code.replace(/^import .*$/gm, '');
  const own = GIVEN.split('\n').filter(
    (line) => !imports.some((other) => other.startsWith('import http') && line === other),
  );
  const tests = /^it\(/m.test(rest) ? rest : `it('the snippet', async () => {\n${rest}\n});`;
  return [...imports, ...own, tests].join('\n');
}

interface Result {
  readonly name: string;
  readonly assertionResults: readonly {
    readonly title: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

describe('what the pages say to test with is red where something leaks, with the leak first', () => {
  const results = new Map<string, Result['assertionResults']>();
  let output = '';

  beforeAll(async () => {
    const stage = new Stage();
    const file = temporaryFile(stage, 'vitest.config.mjs');
    const folder = path.dirname(file);
    mkdirSync(path.join(folder, 'node_modules'));
    symlinkSync(root, path.join(folder, 'node_modules/close-wait-guard'));
    for (const name of ['vitest', 'fastify', 'express', 'ws'])
      symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name));
    // An audit takes two seconds, and on a busy machine the five that vitest gives it.
    writeFileSync(
      file,
      `export default { test: { include: ['*.mjs'], exclude: ['vitest.config.mjs'], setupFiles: ['close-wait-guard/vitest'], testTimeout: 30_000 } };`,
    );
    for (const [index, block] of red.entries()) writeFileSync(path.join(folder, `${index}.mjs`), testFileOf(block));
    const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
    const json = path.join(folder, 'results.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
    const outcome = await runNode(
      [vitest, 'run', '--root', folder, '--maxWorkers=3', ...reporters],
      { ...environmentOfAUser(), NO_COLOR: '1', CI: '1' },
      110_000,
    );
    output = outcome.stdout + outcome.stderr;
    const { testResults } = JSON.parse(readFileSync(json, 'utf8')) as { testResults: Result[] };
    for (const { name, assertionResults } of testResults)
      results.set(titleOf(red[Number(path.basename(name, '.mjs'))]!), assertionResults);
    await stage.clear();
  }, 120_000);

  it.each(red.map((block) => [titleOf(block)] as const))('%s', (title) => {
    const tests = results.get(title) ?? [];
    expect(tests.length, output).toBeGreaterThan(0);
    for (const { title: name, status, failureMessages } of tests) {
      expect(status, name).toBe('failed');
      const [first = ''] = failureMessages;
      // An audit's message is its table, which has the sentence of each leak.
      const heading = first.startsWith('Error: expected the application to survive') || first.includes('LEAK POST');
      if (heading) expect(first).toMatch(/LEAK POST \/items\/:id: (request-body-not-read|response-not-ended)/);
      else expect(first.split('\n')[0], name).toMatch(LEAK_SENTENCE);
    }
  });

  it('and every page that shows how has its snippets here', () => {
    expect(new Set(red.map(({ page, heading }) => `${page}: ${heading}`))).toEqual(
      new Set([
        'README.md: What you get',
        'docs/testing.md: Hang up on one handler',
        'docs/testing.md: Hang up on every route',
        'docs/testing.md: From a leak in production to a test',
      ]),
    );
  });
});

/** Whose it is and what happened to it. */
const LEAK_SENTENCE =
  /(POST \/items\/:id|POST \/carts\/:cart|GET \/report|GET \/live|the connection to net:\d+).*(has neither|nor answered|read|ended|paused)/;
