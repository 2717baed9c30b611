import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { Agent, request } from 'undici';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();
const kept: unknown[] = [];

async function upstream(): Promise<number> {
  const server = http.createServer((_request, response) => {
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(180 * 1024));
  });
  return stage.listen(server);
}

/** The functions of the application whose lines are to be named. */
async function openWithHttp(port: number): Promise<IncomingMessage> {
  const call = http.get({ port, host: '127.0.0.1', agent: false });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

function openWithUndici(port: number, dispatcher: Agent) {
  return request(`http://127.0.0.1:${port}/report`, { dispatcher });
}

function openWithNet(port: number): net.Socket {
  return net.connect(port, '127.0.0.1').pause();
}

async function leakTo(port: number, captureStacks: boolean, open: () => unknown): Promise<LeakReport> {
  const guard = createGuard({ ...QUICK, captureStacks });
  stage.defer(() => guard.close());
  const seen = follow(guard);
  kept.push(await open());
  return until('the leak', () => seen.leaks.find(({ remotePort }) => remotePort === port));
}

describe('captureStacks', () => {
  it.each([
    ['http.get()', 'openWithHttp', 'http.get({ port', (port: number) => openWithHttp(port)],
    [
      'request() of undici',
      'openWithUndici',
      'return request(`',
      async (port: number) => {
        const dispatcher = new Agent();
        stage.defer(() => dispatcher.destroy());
        const { body } = await openWithUndici(port, dispatcher);
        return body.on('error', () => {});
      },
    ],
    ['net.connect()', 'openWithNet', 'return net.connect(', (port: number) => openWithNet(port).on('error', () => {})],
  ])('names the line of the application that called %s', async (_what, name, code, open) => {
    const port = await upstreamFor(name);
    const { stack, explanation, cause } = await leakTo(port, true, () => open(port));
    const first = stack?.split('\n', 1)[0];
    expect(first).toContain('stacks.test.ts');
    expect(first).toContain(name);
    const line = Number(/:(\d+):\d+\)?$/.exec(first!)?.[1]);
    expect(readFileSync(import.meta.filename, 'utf8').split('\n')[line - 1]).toContain(code);
    expect(stack).not.toMatch(/node:|node_modules/);
    if (cause === 'response-body-not-read') expect(explanation).toContain(first!);
  });

  it('names the line of each request on a pooled connection, not of the one that opened it', async () => {
    const server = http.createServer((incoming, response) => {
      if (incoming.url === '/ping') return void response.end('pong');
      response.setHeader('connection', 'close');
      response.end(Buffer.alloc(180 * 1024));
    });
    const port = await stage.listen(server);
    const dispatcher = new Agent({ connections: 1 });
    stage.defer(() => dispatcher.destroy());
    async function openTheConnection(): Promise<void> {
      await (await request(`http://127.0.0.1:${port}/ping`, { dispatcher })).body.text();
    }
    const { stack } = await leakTo(port, true, async () => {
      await openTheConnection();
      const { body } = await openWithUndici(port, dispatcher);
      return body.on('error', () => {});
    });
    expect(stack).toContain('openWithUndici');
    expect(stack).not.toContain('openTheConnection');
  });

  it('takes none where it is off', async () => {
    const port = await upstream();
    const { stack, explanation } = await leakTo(port, false, () => openWithHttp(port));
    expect(stack).toBeUndefined();
    expect(explanation).not.toContain('stacks.test.ts');
  });

  it('leaves Error.stackTraceLimit as it was', async () => {
    const port = await upstream();
    const before = Error.stackTraceLimit;
    await leakTo(port, true, () => openWithHttp(port));
    expect(Error.stackTraceLimit).toBe(before);
  });
});

/** A raw client leaks what a server says on its own. */
async function upstreamFor(name: string): Promise<number> {
  if (name !== 'openWithNet') return upstream();
  return stage.listen(net.createServer((socket) => socket.on('error', () => {}).end('welcome')));
}
