import { describe, expect, it } from 'vitest';
import { Registry } from 'prom-client';
import { followFastifyRoutes } from '../../../src/frameworks/fastify/channel.js';
import { createGuard } from '../../../src/guard/guard.js';
import closeWaitGuard from '../../../src/index.js';
import { listenApp } from '../../support/fastify-app.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../../support/kernel-view.js';
import { QUICK, Reclaims } from '../../support/reports.js';
import { get, post, stageOfEachTest } from '../../support/stage.js';
import { leakyApp, LineLog } from '../../support/leaky-app.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();

describe('a guard with reclaim, where the plugin is not registered', () => {
  it('hears of the routes that want to be left alone through Fastify itself', async () => {
    stage.defer(followFastifyRoutes());
    const guard = createGuard({ ...QUICK, reclaim: true });
    stage.defer(() => guard.close());
    const seen = new Reclaims(guard);
    const app = leakyApp();
    app.post('/imports/:id', { config: { closeWaitGuard: { reclaim: false } } }, () => new Promise(() => {}));
    app.post('/uploads/:id', () => new Promise(() => {}));
    const port = await listenApp(stage, app);
    const left = await stage.visit(port, post('/imports/1', UPLOAD_BYTES));
    await until('the first leak', () => seen.leaks.some(({ leak }) => leak.route === '/imports/:id'));
    const taken = await stage.visit(port, post('/uploads/2', UPLOAD_BYTES));
    await until('the second to be reclaimed', () => seen.reclaimed.length > 0);
    expect(seen.reclaimed.map(({ leak }) => leak.remotePort)).toEqual([taken.port]);
    expect(kernelRow(port, left.port)?.state).toBe(CLOSE_WAIT);
  });
});

describe('the Fastify plugin with reclaim', () => {
  const pending = () => new Promise(() => {});
  const leaveAlone = { config: { closeWaitGuard: { reclaim: false } } };

  async function application(log = new LineLog()) {
    const app = leakyApp({ logger: { level: 'info', stream: log } });
    await app.register(closeWaitGuard, { ...QUICK, reclaim: true, metrics: { register: new Registry() } });
    app.post('/uploads/:id', pending);
    app.post('/imports/:id', leaveAlone, pending);
    app.get('/wait', leaveAlone, pending);
    app.get('/stuck', pending);
    app.get('/long', (_request, reply) => void reply.send('a'.repeat(200_000)));
    const port = await listenApp(stage, app);
    return { app, port, log, seen: new Reclaims(app.closeWaitGuard) };
  }

  it('leaves the sockets of a route alone that says so, and takes the others', async () => {
    const { app, port, log, seen } = await application();
    const left = await stage.visit(port, post('/imports/1', UPLOAD_BYTES));
    await until('the first leak', () => seen.leaks.some(({ leak }) => leak.route === '/imports/:id'));
    const taken = await stage.visit(port, post('/uploads/2', UPLOAD_BYTES));
    await until('the second to be reclaimed', () => seen.reclaimed.length > 0);

    expect(seen.reclaimed.map(({ leak }) => [leak.route, leak.remotePort])).toEqual([['/uploads/:id', taken.port]]);
    expect(kernelRow(port, taken.port)?.inode ?? 0).toBe(0);
    const row = kernelRow(port, left.port);
    expect(row?.state).toBe(CLOSE_WAIT);
    expect([...openFds().values()]).toContain(`socket:[${row?.inode}]`);
    expect(app.closeWaitGuard.leaks().map(({ route }) => route)).toEqual(['/imports/:id']);
    const lines = log.lines.filter(({ leak }) => leak);
    expect(lines.filter(({ msg }) => msg.startsWith('Leaked socket was reclaimed'))).toMatchObject([
      { level: 40, leak: { route: '/uploads/:id', id: seen.reclaimed[0]!.leak.id } },
    ]);
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(page).toMatch(/^close_wait_reclaimed_total\{kind="close-wait"\} 1$/m);
  });

  it('asks the route of the request that is served, not of one before it on the connection', async () => {
    const { app, port, seen } = await application();
    app.log.level = 'silent';
    const client = await stage.connect(port);
    client.say(get('/metrics'));
    await until('the answer', () => client.text.includes('close_wait_sockets'));
    client.say(post('/imports/1', UPLOAD_BYTES));
    await client.close();
    const other = await stage.connect(port);
    await until('the leak', () => seen.leaks.find(({ leak }) => leak.remotePort === client.port));
    other.say(post('/uploads/1', UPLOAD_BYTES));
    await other.close();
    await until('the other to be reclaimed', () => seen.reclaimed.length > 0);
    expect(seen.reclaimed.map(({ leak }) => leak.remotePort)).toEqual([other.port]);
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });

  it('leaves a pipeline alone whose pending request has such a route, whatever is queued behind it', async () => {
    const { port, seen } = await application();
    const behind = get('/long') + get('/long');
    const left = await stage.visit(port, get('/wait') + behind);
    await until('the first leak', () => seen.leaks.find(({ leak }) => leak.remotePort === left.port));
    const taken = await stage.visit(port, get('/stuck') + behind);
    await until('the other to be reclaimed', () => seen.reclaimed.find(({ leak }) => leak.remotePort === taken.port));
    expect(seen.leaks.map(({ leak }) => leak.cause)).toEqual(Array(2).fill('pipelined-behind-pending-response'));
    expect(seen.reclaimed.map(({ leak }) => leak.remotePort)).toEqual([taken.port]);
    expect(kernelRow(port, left.port)?.state).toBe(CLOSE_WAIT);
  });
});
