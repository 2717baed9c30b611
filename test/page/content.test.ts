import http2 from 'node:http2';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { createGuard, socketsPage } from '../../src/index.js';
import { SCHEMA_ID } from '../../src/base/schema.js';
import { MOST_ENDED, MOST_GROUPS, type SocketsPageData } from '../../src/page/data.js';
import { isPageData, mergePages } from '../../src/page/merge.js';
import { guardOn, held, leak, leakyServer } from '../support/guarded-server.js';
import { ask, askForData, servePage } from '../support/page.js';
import { follow } from '../support/reports.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();

/** What was put together is good for a second: whoever waits for a change asks until it is there. */
function until1(port: number, what: string, isSo: (data: SocketsPageData) => boolean): Promise<SocketsPageData> {
  return until(
    what,
    async () => {
      const data = await askForData(port);
      return isSo(data) ? data : undefined;
    },
    { everyMs: 100 },
  );
}

describe('what is on the page', () => {
  it('the open leaks as the kernel has them, equal ones together, the oldest first; and those that were closed', async () => {
    const guard = guardOn(stage);
    const page = await servePage(stage, guard);
    const mail = await leakyServer(stage, guard, 'mail');
    const sockets = await leak(stage, guard, mail.port, 3);
    const later = await leakyServer(stage, guard, 'later');
    await leak(stage, guard, later.port, 1);
    const data = await until1(page, 'four leaks', ({ totals }) => totals.open === 4);
    expect(held(mail.port) + held(later.port)).toBe(4);
    expect(data).toMatchObject({
      $schema: SCHEMA_ID,
      processes: [{ pid: process.pid, threadId: 0, supported: true }],
      totals: { open: 4, groups: 2, shown: 4, unreported: 0, ignored: 0, released: 0, reclaimed: 0 },
      ended: [],
    });
    expect(data.groups.map(({ count, oldest }) => [oldest.leak.server, count])).toEqual([
      ['mail', 3],
      ['later', 1],
    ]);
    const [first] = data.groups;
    const reports = new Map(guard.leaks().map((report) => [report.id, report]));
    expect(first!.sockets.map(({ id }) => reports.get(id)?.server)).toEqual(['mail', 'mail', 'mail']);
    const { leak: oldest } = first!.oldest;
    expect(oldest).toMatchObject({ cause: 'never-read', fingerprint: first!.fingerprint, state: 'CLOSE_WAIT' });
    expect(oldest.fix).toBe(reports.get(oldest.id)?.fix);
    expect(oldest.ageMs).toBeGreaterThanOrEqual(Math.max(...first!.sockets.map(({ ageMs }) => ageMs)));

    sockets[0]!.destroy();
    const after = await until1(page, 'one to be closed', ({ ended }) => ended.length === 1);
    expect(after.totals).toMatchObject({ open: 3, released: 1 });
    expect(after.ended[0]).toMatchObject({ event: 'released', pid: process.pid, leak: { server: 'mail' } });
    expect(held(mail.port)).toBe(2);
  });

  it('what the guard ended', async () => {
    const guard = guardOn(stage, { closeWaitTimeout: 300, sampleInterval: 0, reclaim: true });
    const page = await servePage(stage, guard);
    const { port } = await leakyServer(stage, guard, 'mail');
    await stage.visit(port, 'hello');
    const data = await until1(page, 'it to be reclaimed', ({ ended }) => ended.length > 0);
    expect(data.ended[0]).toMatchObject({ event: 'reclaimed', leak: { server: 'mail' } });
    expect(data.totals).toMatchObject({ open: 0, reclaimed: 1, released: 0 });
  });

  it('counts of what is beyond maxReported, and of what is ignored', async () => {
    const guard = guardOn(stage, {
      closeWaitTimeout: 300,
      sampleInterval: 0,
      maxReported: 1,
      ignore: [{ server: 'known' }],
    });
    const page = await servePage(stage, guard);
    const { port } = await leakyServer(stage, guard, 'mail');
    const known = await leakyServer(stage, guard, 'known');
    for (const each of [port, port, known.port]) await stage.visit(each, 'hello');
    const data = await until1(page, 'three leaks', ({ totals }) => totals.open === 2 && totals.ignored === 1);
    expect(data.totals).toMatchObject({ groups: 1, shown: 1, unreported: 1 });
  });

  it('no address where redact leaves them out, also in what was closed and in the test to copy', async () => {
    const guard = guardOn(stage, { closeWaitTimeout: 300, sampleInterval: 0, redact: true });
    const page = await servePage(stage, guard);
    const { port } = await leakyServer(stage, guard, 'mail');
    const [one] = await (async () => {
      const seen = follow(guard);
      for (let i = 0; i < 2; i++) await stage.visit(port, 'hello');
      await until('two leaks', () => guard.leaks().length === 2);
      return seen.leaks.flatMap(({ id }) => seen.sockets.get(id) ?? []);
    })();
    one!.destroy();
    await until1(page, 'one to be closed', ({ ended }) => ended.length === 1);
    const { body } = await ask(page);
    expect(body).toContain('[redacted]');
    expect(body).not.toContain('127.0.0.1');
  });

  it('nothing, and why, where the guard is closed', async () => {
    const guard = createGuard({ sampleInterval: 0 });
    const page = await servePage(stage, guard);
    guard.close();
    const data = await askForData(page);
    expect(data.groups).toEqual([]);
    expect(data.totals.open).toBe(0);
  });

  it('of a guard with two pages once', async () => {
    const guard = guardOn(stage);
    for (let i = 0; i < 20; i++) socketsPage(guard);
    expect(guard.listenerCount('released')).toBe(1);
  });
});

describe('how it answers', () => {
  const typeOf = async (port: number, accept?: string, query = ''): Promise<string | undefined> => {
    const headers = accept === undefined ? {} : { accept };
    return (await ask(port, { path: `/debug/sockets${query}`, headers })).headers['content-type'];
  };
  const HTML = 'text/html; charset=utf-8';
  const JSON_TYPE = 'application/json; charset=utf-8';

  it.each([
    [undefined, '', JSON_TYPE],
    ['*/*', '', JSON_TYPE],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', '', HTML],
    ['application/json', '', JSON_TYPE],
    ['application/json, text/html;q=0.5', '', JSON_TYPE],
    ['TEXT/HTML;q=0.9, application/json;q=0.5', '', HTML],
    ['text/html;q=0', '', JSON_TYPE],
    ['text/html;q=x', '', JSON_TYPE],
    ['text/html', '?format=json', JSON_TYPE],
    [undefined, '?x=1&format=html', HTML],
  ])('Accept %s, %s', async (accept, query, type) => {
    expect(await typeOf(await servePage(stage, guardOn(stage)), accept, query)).toBe(type);
  });

  it('an unknown format is an error that names it, inert', async () => {
    const port = await servePage(stage, guardOn(stage));
    const { status, body, headers } = await ask(port, { path: '/?format=%3Cscript%3E' });
    expect({ status, type: headers['content-type'] }).toEqual({ status: 400, type: 'text/plain; charset=utf-8' });
    expect(body).toContain('format is "<script>"; it takes json or html');
  });

  it('HEAD as GET, without a body; other methods are 405', async () => {
    const port = await servePage(stage, guardOn(stage));
    const headers = { accept: 'text/html' };
    const [get, head] = [await ask(port, { headers }), await ask(port, { method: 'HEAD', headers })];
    expect(head.status).toBe(200);
    expect(head.headers['content-length']).toBe(get.headers['content-length']);
    expect(head.body).toBe('');
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { status, headers: answered } = await ask(port, { method });
      expect({ status, allow: answered.allow }).toEqual({ status: 405, allow: 'GET, HEAD' });
    }
  });

  it('304 as long as nothing but ages has changed', async () => {
    const guard = guardOn(stage);
    const port = await servePage(stage, guard);
    const { port: mail } = await leakyServer(stage, guard, 'mail');
    await leak(stage, guard, mail, 1);
    await until1(port, 'the leak', ({ totals }) => totals.open === 1);
    const unchanged = await until('two answers in the same ten seconds', async () => {
      const { etag } = (await ask(port)).headers;
      const again = await ask(port, { headers: { 'if-none-match': etag } });
      return again.status === 304 ? again : undefined;
    });
    expect(unchanged.body).toBe('');
    const { etag } = unchanged.headers;
    await leak(stage, guard, (await leakyServer(stage, guard, 'other')).port, 1);
    await until('it to change', async () => (await ask(port, { headers: { 'if-none-match': etag } })).status === 200);
  });

  it('the HTML is one file below 40 kB that names nothing to fetch, and holds nothing of a leak', async () => {
    const guard = guardOn(stage);
    const port = await servePage(stage, guard);
    const { port: mail } = await leakyServer(stage, guard, 'mail-of-somebody');
    await leak(stage, guard, mail, 1);
    const { body } = await ask(port, { headers: { accept: 'text/html' } });
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(40_000);
    expect(body).not.toContain('mail-of-somebody');
    expect(body).not.toMatch(/<(?:script|img|link|iframe)[^>]* (?:src|href)="(?!data:,")/);
    expect(body).not.toMatch(/@import|url\(/);
    // The addresses in it: the pages about causes, which a person may follow, and a name.
    expect(body.match(/https?:\/\/[^'"\s]+/g)).toEqual([expect.stringMatching(/\/docs\/causes\/$/), SCHEMA_ID]);
  });

  it('in Express, whose route it is, and over HTTP/2', async () => {
    const guard = guardOn(stage);
    const app = express();
    app.get('/debug/sockets', socketsPage(guard));
    const server = (await import('node:http')).createServer(app);
    expect((await askForData(await stage.listen(server))).$schema).toBe(SCHEMA_ID);

    const second = http2.createServer(socketsPage(guard) as never);
    const port = await stage.listen(second);
    const session = http2.connect(`http://127.0.0.1:${port}`);
    stage.defer(() => session.destroy());
    const stream = session.request({ ':path': '/' });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    await new Promise((resolve) => stream.on('end', resolve));
    expect(JSON.parse(text)).toMatchObject({ $schema: SCHEMA_ID });
  });
});

describe('arguments of socketsPage()', () => {
  it.each([
    [{}, undefined, /the guard given to socketsPage\(\) is \[Object\]; it takes what createGuard\(\) returns/],
    [undefined, undefined, /the guard given to socketsPage\(\) is undefined/],
    ['guard', { authorise: () => true }, /no option "authorise"; the options are authorize; did you mean authorize\?/],
    ['guard', { authorize: true }, /option authorize is true; it takes a function \(request\) => boolean/],
    ['guard', null, /options is null; it takes an object/],
  ])('%s, %s', (given, options, message) => {
    const guard = given === 'guard' ? guardOn(stage) : given;
    expect(() => socketsPage(guard as never, options as never)).toThrow(message);
  });
});

describe('several processes on one page', () => {
  const pageOf = (pid: number, ages: Record<string, number>): SocketsPageData => ({
    $schema: SCHEMA_ID,
    version: '1.0.0',
    time: new Date(pid).toISOString(),
    processes: [{ pid, threadId: 0, version: '1.0.0', supported: true }],
    totals: { open: 2, groups: 3, shown: 2, unreported: 1, ignored: 0, released: 5, reclaimed: 0 },
    groups: Object.entries(ages).map(([fingerprint, ageMs]) => ({
      fingerprint,
      count: 2,
      oldest: { pid, threadId: 0, leak: { ageMs } as never },
      sockets: [{ pid, id: fingerprint } as never],
    })),
    ended: Array.from({ length: MOST_ENDED }, (_, i) => ({
      ...{ event: 'released' as const, time: new Date(pid * 1_000 + i).toISOString(), pid, threadId: 0 },
      leak: { id: String(i) } as never,
    })),
  });

  it('equal leaks are one, with the count of both and the oldest of all', () => {
    const merged = mergePages([pageOf(1, { a: 10, b: 20 }), pageOf(2, { b: 30 })]);
    expect(merged.processes.map(({ pid }) => pid)).toEqual([1, 2]);
    expect(merged.groups.map(({ fingerprint, count, oldest }) => [fingerprint, count, oldest.pid])).toEqual([
      ['b', 4, 2],
      ['a', 2, 1],
    ]);
    expect(merged.groups[0]!.sockets.map(({ pid }) => pid)).toEqual([2, 1]);
    // Two that were not shown at the first process, and one at the second.
    expect(merged.totals).toMatchObject({ open: 4, groups: 5, shown: 6, unreported: 2, released: 10 });
    expect(merged.ended).toHaveLength(MOST_ENDED);
    expect(new Set(merged.ended.map(({ pid }) => pid))).toEqual(new Set([2]));
  });

  it('no more groups than one process would show', () => {
    const many = (from: number): Record<string, number> =>
      Object.fromEntries(Array.from({ length: MOST_GROUPS }, (_, i) => [`g${from + i}`, i]));
    expect(mergePages([pageOf(1, many(0)), pageOf(2, many(1_000))]).groups).toHaveLength(MOST_GROUPS);
  });

  it('takes what a process of its kind says, and nothing else', () => {
    const page = pageOf(1, { a: 1 });
    expect(isPageData(JSON.parse(JSON.stringify(page)))).toBe(true);
    for (const wrong of [
      null,
      [],
      { ...page, $schema: 'v2' },
      { ...page, totals: { open: '1' } },
      { ...page, groups: [null] },
      { ...page, groups: [{ ...page.groups[0], oldest: { leak: {} } }] },
      { ...page, groups: [{ ...page.groups[0], sockets: [1] }] },
      { ...page, ended: [{ time: 1, leak: {} }] },
      { ...page, processes: ['x'] },
    ])
      expect(isPageData(wrong)).toBe(false);
  });
});
