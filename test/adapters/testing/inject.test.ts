import { once } from 'node:events';
import http from 'node:http';
import Fastify from 'fastify';
import { describe, expect, it } from 'vitest';
import { createObserver } from '../../../src/guard/observer.js';
import { findLeakedSockets } from '../../../src/testing.js';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { QUICK } from './connections.js';

const stage = stageOfEachTest();

/** Answers with more than anybody takes who does not read, and closes. */
async function listeningUpstream(on: Stage): Promise<number> {
  return on.listen(
    http.createServer((_request, response) => {
      response.writeHead(200, { connection: 'close' }).end('x'.repeat(160_000));
    }),
  );
}

/** Asks the upstream, reads nothing of what it answers, and comes back when it has closed. */
async function askAndForget(on: Stage, port: number, path: string): Promise<void> {
  const request = http.get({ port, host: '127.0.0.1', path, agent: false });
  on.defer(() => request.destroy());
  await once(request, 'response');
  const ownPort = request.socket!.localPort!;
  await until('the upstream to close', () => kernelRow(ownPort, port)?.state === CLOSE_WAIT);
}

async function requestedByPath(): Promise<Record<string, string | undefined>> {
  const leaks = await findLeakedSockets(QUICK);
  return Object.fromEntries(
    leaks.map(({ destination, requestedBy }) => [destination!.replace(/.*:\d+/, ''), requestedBy]),
  );
}

/** As the setup files of the runners do, from before the first request. */
function followRequests(): void {
  const guard = createObserver({ sampleInterval: 0, traceRequests: true });
  stage.defer(() => guard.close());
}

describe('what a handler of app.inject() asks for', () => {
  it('is its route’s, and what the test asks for is not', async () => {
    followRequests();
    const port = await listeningUpstream(stage);
    const app = Fastify();
    app.get('/stock/:id', async ({ params }) => {
      await askAndForget(stage, port, `/of-handler/${(params as { id: string }).id}`);
      return 'known';
    });
    stage.defer(() => app.close());
    await app.inject('/stock/1');
    await askAndForget(stage, port, '/of-test/after');

    // Its handler is called before this returns.
    const answered = new Promise<void>((resolve) => {
      app.inject('/stock/2', () => {
        resolve();
      });
    });
    await Promise.all([askAndForget(stage, port, '/of-test/beside'), answered]);

    expect(await requestedByPath()).toEqual({
      '/of-handler/1': 'GET /stock/:id',
      '/of-handler/2': 'GET /stock/:id',
      '/of-test/after': undefined,
      '/of-test/beside': undefined,
    });
  });

  it('is its own route’s where one handler injects another request', async () => {
    followRequests();
    const port = await listeningUpstream(stage);
    const app = Fastify();
    app.get('/inner', async () => {
      await askAndForget(stage, port, '/of-inner');
      return 'inner';
    });
    app.get('/outer', async () => {
      const inner = app.inject('/inner');
      await inner;
      await askAndForget(stage, port, '/of-outer');
      return 'outer';
    });
    app.get('/throws', () => {
      throw new Error('no');
    });
    stage.defer(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    await (await fetch(`${app.listeningOrigin}/outer`)).text();
    await app.inject('/throws');
    await askAndForget(stage, port, '/of-test');

    expect(await requestedByPath()).toEqual({
      '/of-inner': 'GET /inner',
      '/of-outer': 'GET /outer',
      '/of-test': undefined,
    });
  });
});
