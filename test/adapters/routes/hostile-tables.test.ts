import Fastify, { type FastifyInstance } from 'fastify';
import http, { type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { declare, requestsOf, tableOf, type TableRequest } from '../../../bench/route-tables.mjs';
import { FastifyRouteFinder } from '../../../src/frameworks/fastify/route-finder.js';
import { cpuMsOf } from '../../support/cpu-time.js';

const TABLES = 200;

/** What the client got, and the message as the application was left with it. */
async function ask(app: FastifyInstance, agent: http.Agent, port: number, request: TableRequest) {
  let message: IncomingMessage | undefined;
  const keep = (incoming: IncomingMessage): void => {
    message = incoming;
  };
  app.server.prependListener('request', keep);
  const { method, url: path, headers } = request;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    http.request({ agent, host: '127.0.0.1', port, method, path, headers }, resolve).on('error', reject).end();
  });
  const body = await text(response);
  app.server.removeListener('request', keep);
  return {
    message: message!,
    route: response.statusCode === 200 ? (JSON.parse(body) as { url: string }).url : undefined,
  };
}

describe(`${TABLES} tables of routes, as wild as the router takes them`, () => {
  it('each request is given the route that answered it', { timeout: 60_000 }, async () => {
    const agent = new http.Agent({ keepAlive: true });
    let matched = 0;
    for (let seed = 1; seed <= TABLES; seed++) {
      const table = tableOf(seed);
      const app = Fastify(table.options);
      declare(app, table.routes);
      const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }));
      const finder = new FastifyRouteFinder(app);
      const requests = [...requestsOf(table, 6), ...requestsOf(table, 1, 4_000)];
      for (const request of requests) {
        const { message, route } = await ask(app, agent, Number(port), request);
        const answer = finder.find(message);
        const what = `table ${seed}: ${request.method} ${request.url.slice(0, 200)} ${JSON.stringify(request.headers)}`;
        expect.soft(answer.known, what).toBe(true);
        expect.soft(answer.known && answer.route?.config.url, what).toBe(route);
        if (route !== undefined) matched++;
      }
      await app.close();
    }
    agent.destroy();
    // The requests are worth something only if many of them have a route and many have none.
    expect(matched).toBeGreaterThan(TABLES);
    expect(matched).toBeLessThan(TABLES * 6);
  });

  it('none costs more than a few look-ups of the router, with paths of 16 kB', { timeout: 60_000 }, async () => {
    let worst = { ours: 0, theirs: 0, seed: 0 };
    for (let seed = 1; seed <= TABLES; seed++) {
      const table = tableOf(seed);
      const app = Fastify(table.options);
      declare(app, table.routes);
      await app.ready();
      const costs = requestsOf(table, 5, 16_000).map((request) => costOf(app, request));
      for (const cost of costs) if (cost.ours > worst.ours) worst = { ...cost, seed };
    }
    const { ours, theirs, seed } = worst;
    console.log(`worst look-up: ${ours.toFixed(2)} ms, the router's own ${theirs.toFixed(2)} ms (table ${seed})`);
    expect(ours).toBeLessThan(generous(theirs));
  });

  it('nor does the one that once blocked the event loop for 24.9 s', async () => {
    const app = Fastify();
    declare(app, [
      { method: 'GET', url: '/near/:a-:b-:c', constraints: {} },
      { method: 'GET', url: '/*', constraints: {} },
    ]);
    await app.ready();
    const { ours, theirs } = costOf(app, { method: 'GET', url: `/near/${'-'.repeat(4_096)}/y`, headers: {} });
    expect(ours).toBeLessThan(generous(theirs));
  });
});

/** The time of a look-up on the processor, ms: the best of a few, for V8 does other things too. */
function costOf(app: FastifyInstance, request: TableRequest): { readonly ours: number; readonly theirs: number } {
  const finder = new FastifyRouteFinder(app);
  finder.find({ ...request, url: '/' });
  return {
    ours: best(() => finder.find(request)),
    theirs: best(() => app.findRoute({ ...request, constraints: {} })),
  };
}

function best(lookUp: () => unknown): number {
  return Math.min(...Array.from({ length: 3 }, () => cpuMsOf(lookUp)));
}

/** No measure of speed: it tells a few look-ups from a cost that grows faster than the path. */
const generous = (theirs: number): number => 250 + 20 * theirs;
