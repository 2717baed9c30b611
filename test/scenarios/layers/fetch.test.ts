import http from 'node:http';
import type { Socket } from 'node:net';
import { Agent, request, RetryAgent } from 'undici';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/index.js';
import { layersOf } from '../../../src/layers/stack.js';
import { QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

type Ask = (url: string) => Promise<unknown>;

const withAgent: Ask = (url) => {
  const dispatcher = new Agent();
  stage.defer(() => dispatcher.destroy());
  return request(url, { dispatcher });
};

const withInterceptor: Ask = (url) => {
  const agent = new Agent();
  stage.defer(() => agent.destroy());
  return request(url, { dispatcher: new RetryAgent(agent) });
};

describe('an unread response whose reader', () => {
  it.each<[api: string, ask: Ask, unseen: boolean]>([
    ['cannot be seen: fetch()', fetch, true],
    ['cannot be seen: behind an interceptor of undici', withInterceptor, true],
    ['can be seen: undici.request()', withAgent, false],
  ])('%s', async (_name, ask, unseen) => {
    const guard = createGuard({ ...QUICK, reclaim: true });
    stage.defer(() => guard.close());
    const reclaimed: string[] = [];
    guard.on('reclaimed', ({ side }) => reclaimed.push(side));
    let leaked: Socket | undefined;
    const server = http.createServer((_request, response) => response.end(Buffer.alloc(6_000_000)));
    const port = await stage.listen(server);
    // A response of the test before may leak now that its server is closed.
    guard.on('leak', ({ side, remotePort }, socket) => {
      if (side === 'outbound' && remotePort === port) leaked = socket;
    });
    const kept = await ask(`http://127.0.0.1:${port}/report`);
    const socket = await until('the leak', () => leaked);
    const facts = layersOf(socket, 'outbound').at(-1)?.request();
    expect(facts).toMatchObject({ url: '/report', responding: true, readerUnseen: unseen });
    const samples = new Set();
    await until('ten samples more', () => samples.add(guard.stats().lastSample).size > 10);
    expect([reclaimed.includes('outbound') && unseen, kept === undefined]).toEqual([false, false]);
  });
});
