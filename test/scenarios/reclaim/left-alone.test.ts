import { fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { describe, expect, it, vi } from 'vitest';
import { createGuard, type Guard } from '../../../src/guard/guard.js';
import { kernelRow, openFds } from '../../support/kernel-view.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { programs, root } from '../../support/programs.js';
import { localhost } from '../../support/tls.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

const KB = 1024;
/** More than every buffer on the way holds, and less than fills a receive window. */
const BYTES = 160 * KB;
const LARGE = 6_000 * KB;
/** Longer than the time-out: between two pieces neither kernel nor socket shows any progress. */
const PAUSE_MS = QUICK.closeWaitTimeout * 2;

function reclaiming(): { readonly guard: Guard; readonly reclaimed: string[] } {
  const guard = createGuard({ ...QUICK, reclaim: true });
  stage.defer(() => guard.close());
  const reclaimed: string[] = [];
  guard.on('reclaimed', ({ side, cause }) => reclaimed.push(`${side} ${cause}`));
  return { guard, reclaimed };
}

/** Sends its whole answer and leaves. */
function answers(): http.Server {
  return http.createServer((_request, response) => {
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(BYTES, 'a'));
  });
}

/** Sends more than a receive window holds, and stays: undici itself fails on a FIN behind which its reader waits. */
function stays(): http.Server {
  return http.createServer((_request, response) => response.end(Buffer.alloc(LARGE, 'a')));
}

/** Takes pieces with long pauses between them; returns how many bytes came. */
async function readSlowly(stream: AsyncIterable<Uint8Array> | Readable, pauses = 4): Promise<number> {
  let bytes = 0;
  let left = pauses;
  for await (const chunk of stream) {
    bytes += (chunk as Uint8Array).length;
    if (left-- > 0) await sleep(PAUSE_MS);
  }
  return bytes;
}

describe('reclaim leaves alone a slow reader', () => {
  it('of a body of undici.request()', async () => {
    const port = await stage.listen(stays());
    const { reclaimed } = reclaiming();
    const dispatcher = new Agent();
    stage.defer(() => dispatcher.destroy());
    const { body } = await request(`http://127.0.0.1:${port}/`, { dispatcher });
    expect(await readSlowly(body)).toBe(LARGE);
    expect(reclaimed.filter((each) => each.startsWith('outbound'))).toEqual([]);
  });

  it('of a body of fetch()', async () => {
    const port = await stage.listen(stays());
    const { reclaimed } = reclaiming();
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(await readSlowly(response.body as unknown as AsyncIterable<Uint8Array>)).toBe(LARGE);
    expect(reclaimed.filter((each) => each.startsWith('outbound'))).toEqual([]);
  });

  it('behind a stream that a response is piped to, as in node-fetch', async () => {
    const port = await stage.listen(answers());
    const { reclaimed } = reclaiming();
    const call = http.get({ port, host: '127.0.0.1', agent: false });
    const [response] = (await once(call, 'response')) as [http.IncomingMessage];
    const body = new PassThrough();
    response.pipe(body);
    expect(await readSlowly(body)).toBe(BYTES);
    expect(reclaimed).toEqual([]);
  });

  it('behind a library that pauses the response itself', async () => {
    const port = await stage.listen(answers());
    const { reclaimed } = reclaiming();
    const call = http.get({ port, host: '127.0.0.1', agent: false });
    const [response] = (await once(call, 'response')) as [http.IncomingMessage];
    const body = new Readable({ read: () => response.resume() });
    response.on('data', (chunk) => {
      if (!body.push(chunk)) response.pause();
    });
    response.on('end', () => body.push(null));
    expect(await readSlowly(body)).toBe(BYTES);
    expect(reclaimed).toEqual([]);
  });

  it('over TLS that was put on a connected socket, as behind a proxy', async () => {
    const server = tls.createServer(localhost, (socket) => socket.end(Buffer.alloc(BYTES)));
    server.on('tlsClientError', () => {});
    const port = await stage.listen(server);
    const { reclaimed } = reclaiming();
    const raw = net.connect(port, '127.0.0.1');
    await once(raw, 'connect');
    const secure = tls.connect({ socket: raw, ca: localhost.cert, servername: 'localhost' });
    await once(secure, 'secureConnect');
    expect(await readSlowly(secure)).toBe(BYTES);
    expect(reclaimed.filter((each) => each.startsWith('outbound'))).toEqual([]);
  });

  it('over TLS that a server has put on a paused socket, as a port multiplexer does', async () => {
    let read: Promise<number> | undefined;
    const server = net.createServer({ pauseOnConnect: true }, (raw) => {
      const secure = new tls.TLSSocket(raw, { isServer: true, ...localhost });
      read = readSlowly(secure);
    });
    const port = await stage.listen(server);
    const { reclaimed } = reclaiming();
    const client = tls.connect({ port, host: '127.0.0.1', ca: localhost.cert, servername: 'localhost' });
    stage.defer(() => client.destroy());
    await once(client, 'secureConnect');
    client.end(Buffer.alloc(BYTES));
    expect(await read).toBe(BYTES);
    expect(reclaimed.filter((each) => each.startsWith('inbound'))).toEqual([]);
  });

  it('behind which a request body is piped on', async () => {
    const upload = 3_000 * KB;
    let taken = 0;
    const slow = new Writable({
      write(chunk: Buffer, _encoding, done) {
        taken += chunk.length;
        setTimeout(done, taken < 256 * KB ? PAUSE_MS : 0);
      },
    });
    const server = http.createServer((req, res) => {
      void pipeline(req, slow).then(() => res.end('stored'));
    });
    const port = await stage.listen(server);
    const { guard, reclaimed } = reclaiming();
    const client = await stage.connect(port);
    client.say(`POST /files HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${upload}\r\n\r\n`);
    client.say(Buffer.alloc(upload));
    await until('it to be taken for a leak', () => guard.leaks().some(({ localPort }) => localPort === port));
    await until('all of it to be stored', () => client.text.endsWith('stored'));
    expect(taken).toBe(upload);
    expect(reclaimed).toEqual([]);
  });
});

describe('reclaim leaves alone an unread body', () => {
  it.each(['undici.request()', 'fetch()'])('of %s, and reports it', async (api) => {
    const port = await stage.listen(answers());
    const { guard, reclaimed } = reclaiming();
    const dispatcher = new Agent();
    stage.defer(() => dispatcher.destroy());
    const url = `http://127.0.0.1:${port}/report`;
    // As long as somebody has the response: fetch cancels the body of one that is collected.
    const response = api === 'fetch()' ? await fetch(url) : await request(url, { dispatcher });
    stage.defer(() => ('cancel' in response.body! ? response.body.cancel() : undefined));
    const leak = await until('the leak', () => guard.leaks().find(({ remotePort }) => remotePort === port));
    expect(leak).toMatchObject({ cause: 'response-body-not-read', side: 'outbound' });
    const samples = new Set();
    await until('ten samples more', () => samples.add(guard.stats().lastSample).size > 10);
    expect(reclaimed).toEqual([]);
    expect(kernelRow(leak.localPort!, port)).toMatchObject({ state: '08' });
  });
});

/** A leak of this process whose socket a child has too, and will answer over when it is told to. */
async function answeredByChild() {
  const child = fork(path.join(root, 'test/scenarios/reclaim/programs/answers-late.mjs'));
  stage.defer(() => child.kill('SIGKILL'));
  await once(child, 'message');
  const { guard, reclaimed } = reclaiming();
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    child.send('take it', socket, { keepOpen: true });
  });
  const port = await stage.listen(server);
  const client = await stage.connect(port);
  client.say('hello');
  await client.halfClose();
  const leak = await until('the leak', () => guard.leaks().find(({ localPort }) => localPort === port));
  return { child, client, guard, leak, reclaimed };
}

describe('reclaim leaves alone a socket that another process has too', () => {
  it('which goes on responding over it', async () => {
    const { child, client, guard, leak, reclaimed } = await answeredByChild();
    const samples = new Set();
    await until('ten samples more', () => samples.add(guard.stats().lastSample).size > 10);
    expect(reclaimed).toEqual([]);
    child.send('answer now');
    await until('the whole answer', () => client.text.length === 2_000_000);
    expect(client.errors).toEqual([]);
    // The child has closed its own; now the one here is a leak that nobody else uses.
    await until('the reclaim', () => reclaimed.length > 0);
    expect(guard.leaks().filter(({ id }) => id === leak.id)).toEqual([]);
  });

  it('which answers over it, and closes it, right before it is looked for there', async () => {
    const { child, client, guard, leak, reclaimed } = await answeredByChild();
    const inode = kernelRow(leak.localPort!, client.port)!.inode;
    const has = (): boolean => [...openFds(child.pid).values()].includes(`socket:[${inode}]`);
    await until('the child to have it', has);
    // The search for who else has it begins with all processes.
    const { readdirSync } = fs;
    let searches = 0;
    const spy = vi.spyOn(fs, 'readdirSync').mockImplementation((...args: Parameters<typeof readdirSync>) => {
      if (args[0] === '/proc' && ++searches === 1) {
        child.send('answer now');
        for (const untilMs = performance.now() + 10_000; has() && performance.now() < untilMs;);
      }
      return readdirSync(...args);
    });
    syncBuiltinESMExports();
    stage.defer(() => {
      spy.mockRestore();
      syncBuiltinESMExports();
    });
    await until('the whole answer', () => client.text.length === 2_000_000);
    expect(searches).toBeGreaterThan(0);
    expect(client.errors).toEqual([]);
    await until('the reclaim', () => reclaimed.length > 0);
    expect(guard.leaks().filter(({ id }) => id === leak.id)).toEqual([]);
  });

  it('which has not taken it yet', async () => {
    const child = fork(path.join(programs, 'keeps-sockets.mjs'), ['busy']);
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'message');
    const { guard } = reclaiming();
    const reclaimed: (number | undefined)[] = [];
    guard.on('reclaimed', ({ localPort }) => reclaimed.push(localPort));
    let accepted: net.Socket | undefined;
    const sends = net.createServer({ pauseOnConnect: true }, (socket) => {
      accepted = socket;
      child.send('take', socket, { keepOpen: true });
    });
    sends.listen(0, '127.0.0.1');
    await once(sends, 'listening');
    // Nobody waits for its 'close': Node never emits that when a child died with a socket it was sent.
    stage.defer(() => {
      accepted?.destroy();
      sends.close();
    });
    const { port } = sends.address() as net.AddressInfo;
    await stage.visit(port, 'hello');
    const leak = await until('the leak', () => guard.leaks().find(({ localPort }) => localPort === port));
    const others = await stage.listen(net.createServer({ pauseOnConnect: true }, () => {}));
    await stage.visit(others, 'control');
    await until('the control', () => reclaimed.includes(others));
    const samples = new Set();
    await until('ten samples more', () => samples.add(guard.stats().lastSample).size > 10);
    expect(reclaimed).toEqual([others]);
    expect(accepted?.destroyed).toBe(false);

    // With the child goes what was on its way.
    child.kill('SIGKILL');
    await until('the reclaim', () => reclaimed.includes(port));
    expect(guard.leaks().filter(({ id }) => id === leak.id)).toEqual([]);
  });
});
