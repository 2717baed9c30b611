// Clean tests for bench/test-check.mjs: each asks an application over a pool that keeps its connections, as tests do.
import { writeFileSync } from 'node:fs';
import Fastify from 'fastify';

export const TESTS = Number(process.env.BENCH_TESTS ?? 300);

/** Defines them; what passes between the end of one and the beginning of the next is what the runner and its hooks take. */
export function define({ it, before, after }) {
  const app = Fastify();
  app.get('/health', async () => ({ up: true }));
  const gaps = [];
  let endedAt;
  before(() => app.listen({ host: '127.0.0.1', port: 0 }));
  for (let i = 0; i < TESTS; i++) {
    it(`is clean ${i}`, async () => {
      const startedAt = performance.now();
      if (endedAt !== undefined) gaps.push(startedAt - endedAt);
      await (await fetch(`${app.listeningOrigin}/health`)).text();
      endedAt = performance.now();
    });
  }
  after(() => {
    writeFileSync(process.env.BENCH_RESULT, JSON.stringify(gaps));
    return app.close();
  });
}
