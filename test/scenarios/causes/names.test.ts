import axios from 'axios';
import express from 'express';
import http from 'node:http';
import httpProxy from 'http-proxy';
import https from 'node:https';
import { HttpsProxyAgent } from 'https-proxy-agent';
import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { GuardOptions } from '../../../src/guard/options.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { guardOn } from '../../support/guarded-server.js';
import { kernelRow } from '../../support/kernel-view.js';
import { expectKernelAgrees, follow, QUICK, type Followed } from '../../support/reports.js';
import { get, post, stageOfEachTest } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const stage = stageOfEachTest();
/** What careless programs keep: a response that is dropped may heal when it is collected. */
const kept: unknown[] = [];
const ANSWER = UPLOAD_BYTES + 16 * 1024;

function guarded(options: GuardOptions = {}): Followed {
  return follow(guardOn(stage, { ...QUICK, ...options }));
}

const answer: http.RequestListener = (_request, response) => {
  response.setHeader('connection', 'close');
  response.end(Buffer.alloc(ANSWER));
};

async function outboundLeak(seen: Followed, port: number): Promise<LeakReport> {
  const leak = await until('the leak', () =>
    seen.leaks.find(({ side, remotePort }) => side === 'outbound' && remotePort === port),
  );
  expectKernelAgrees(leak);
  expect(leak).toMatchObject({ cause: 'response-body-not-read', method: 'GET', remotePort: port });
  return leak;
}

describe('a destination is where the socket goes', () => {
  it('through a forward proxy: the target in absolute form, and the proxy', async () => {
    const seen = guarded();
    const port = await stage.listen(http.createServer(answer));
    const proxy = { protocol: 'http', host: '127.0.0.1', port };
    kept.push(await axios.get('http://inventory.test:8080/items?page=2', { responseType: 'stream', proxy }));
    const leak = await outboundLeak(seen, port);
    expect(leak.destination).toBe(`http://inventory.test:8080/items via 127.0.0.1:${port}`);
    expect(leak.explanation).toContain(`GET http://inventory.test:8080/items via 127.0.0.1:${port}`);
  });

  it('through a tunnel that CONNECT made: the target of TLS, and the proxy', async () => {
    const target = await stage.listen(https.createServer(localhost, answer));
    const proxy = http.createServer().on('connect', (_request, client: Socket) => {
      const upstream = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
      for (const socket of [client, upstream]) socket.on('error', () => {});
      client.on('close', () => upstream.destroy());
      stage.defer(() => upstream.destroy());
      upstream.once('connect', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        upstream.pipe(client).pipe(upstream);
      });
    });
    const port = await stage.listen(proxy);
    const seen = guarded();
    const request = https.get({
      // https-proxy-agent 5 takes the host for the TLS server name, and Node 26 refuses an address there.
      ...{ host: 'localhost', port: target, path: '/feed?key=secret', rejectUnauthorized: false },
      // It has what http calls of an Agent, and not all that its type asks for.
      agent: new HttpsProxyAgent(`http://127.0.0.1:${port}`) as unknown as http.Agent,
    });
    request.on('error', () => {}).on('response', (response) => kept.push(response));
    stage.defer(() => request.destroy());
    const leak = await outboundLeak(seen, port);
    expect(leak.destination).toBe(`https://localhost:${target}/feed via 127.0.0.1:${port}`);
  });

  it('of TLS to the target itself: no proxy', async () => {
    const seen = guarded();
    const port = await stage.listen(https.createServer(localhost, answer));
    const request = https.get({ host: '127.0.0.1', port, path: '/feed', agent: false, rejectUnauthorized: false });
    request.on('error', () => {}).on('response', (response) => kept.push(response));
    stage.defer(() => request.destroy());
    expect((await outboundLeak(seen, port)).destination).toBe(`https://127.0.0.1:${port}/feed`);
  });

  it("of a reverse proxy that keeps its client's Host header: the upstream, and that header beside it", async () => {
    const seen = guarded();
    const port = await stage.listen(http.createServer(answer));
    const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${port}`, agent: false });
    stage.defer(() => proxy.close());
    // Its response is taken over, and never read.
    proxy.on('proxyRes', (received) => kept.push(received));
    const options = { selfHandleResponse: true };
    const front = await stage.listen(http.createServer((request, response) => proxy.web(request, response, options)));
    (await stage.connect(front)).say(get('/big?key=secret'));
    const leak = await outboundLeak(seen, port);
    expect(leak.destination).toBe(`http://127.0.0.1:${port}/big (Host: shop.test)`);
  });

  it('of a socket that was first seen after it was reset: the peer all the same', async () => {
    let accepted: Socket | undefined;
    const port = await stage.listen(net.createServer((socket) => (accepted = socket.on('error', () => {}))));
    const socket = net.connect(port, '127.0.0.1').pause();
    socket.on('error', () => {});
    stage.defer(() => socket.destroy());
    await until('the connection', () => accepted);
    accepted!.write('hello');
    await until('the bytes', () => kernelRow(socket.localPort!, port)?.receiveQueue !== undefined);
    const localPort = socket.localPort!;
    accepted!.resetAndDestroy();
    await until('the RST', () => kernelRow(localPort, port) === undefined);
    const seen = guarded();
    const leak = await until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === port));
    expectKernelAgrees(leak);
    expect(leak).toMatchObject({ destination: `127.0.0.1:${port}`, localPort, remotePort: port });
  });
});

describe('a request is what came in', () => {
  it.each([
    ['of any server', { scope: 'process' }],
    ['of a watched one', { scope: 'watched' }],
  ] as const)('behind a router that Express has mounted, %s', async (_how, options) => {
    const guard = guardOn(stage, { ...QUICK, ...options });
    const seen = follow(guard);
    const app = express();
    for (const mount of ['/api/v1', '/admin']) {
      const router = express.Router();
      router.post('/orders', () => {});
      app.use(mount, router);
    }
    const server = http.createServer(app);
    guard.watch(server);
    const port = await stage.listen(server);
    for (const mount of ['/api/v1', '/admin'])
      await stage.visit(port, post(`${mount}/orders?key=secret`, UPLOAD_BYTES));
    const leaks = await until('both leaks', () => {
      const found = seen.leaks.filter(({ localPort }) => localPort === port);
      return found.length === 2 ? found : undefined;
    });
    for (const leak of leaks) expectKernelAgrees(leak);
    expect(leaks.map(({ route }) => route).sort()).toEqual(['/admin/orders', '/api/v1/orders']);
  });

  it('where the application rewrites the target and keeps nothing, also of the second on a connection', async () => {
    const seen = guarded();
    const server = http.createServer((request, response) => {
      if (request.method === 'GET') return response.end('first');
      request.url = '/rewritten';
      return undefined;
    });
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    client.say(get('/first'));
    await until('the first answer', () => client.text.includes('first'));
    client.say(post('/orders/7?key=secret', UPLOAD_BYTES));
    await client.close();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expectKernelAgrees(leak);
    expect(leak).toMatchObject({
      method: 'POST',
      route: '/orders/:n',
      path: '/orders/7',
      cause: 'request-body-not-read',
    });
  });

  it('a target in absolute form: its path', async () => {
    const seen = guarded();
    const port = await stage.listen(http.createServer(() => {}));
    await stage.visit(port, post('http://me:secret@shop.test:81/orders/7?key=secret', UPLOAD_BYTES));
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expectKernelAgrees(leak);
    expect(leak.route).toBe('/orders/:n');
  });
});
