// assertNoLeakedSockets() itself, as a hook of any runner calls it.
import { writeFileSync } from 'node:fs';
import Fastify from 'fastify';
import { TESTS } from './clean.mjs';

const { assertNoLeakedSockets } =
  process.env.BENCH_CHECK === '1'
    ? await import('close-wait-guard/testing')
    : { assertNoLeakedSockets: async () => {} };

const app = Fastify();
app.get('/health', async () => ({ up: true }));
await app.listen({ host: '127.0.0.1', port: 0 });
const gaps = [];
for (let i = 0; i < TESTS; i++) {
  await (await fetch(`${app.listeningOrigin}/health`)).text();
  const endedAt = performance.now();
  await assertNoLeakedSockets();
  gaps.push(performance.now() - endedAt);
}
writeFileSync(process.env.BENCH_RESULT, JSON.stringify(gaps));
await app.close();
process.exit(0);
