/** The program of a case: app.mjs, which a test can build, and server.mjs, which serves it. */
export function programOf(handlers) {
  return {
    'app.mjs': `import { spawn } from 'node:child_process';
import http from 'node:http';
import net from 'node:net';
import Fastify from 'fastify';
import { Registry } from 'prom-client';
import { closeWaitGuard } from 'close-wait-guard';

/** Nobody gives the lock back. */
const lock = () => new Promise(() => {});
const locked = (ms) => Promise.race([lock(), new Promise((resolve) => setTimeout(resolve, ms, false))]);

/** A server that answers with more than its client has asked for, and closes. */
const elsewhere = net.createServer((socket) => {
  socket.on('error', () => {}).end('HTTP/1.1 200 OK\\r\\n\\r\\n' + 'x'.repeat(100_000));
});
elsewhere.listen(0, '127.0.0.1').unref();
const upstream = () => ({ host: '127.0.0.1', port: elsewhere.address().port, agent: false });

export async function build(options = {}) {
  const app = Fastify({ forceCloseConnections: true, ...options });
  const register = new Registry();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  await app.register(closeWaitGuard, {
    ...{ closeWaitTimeout: 300, sampleInterval: 50, traceRequests: true },
    metrics: { register },
  });
${handlers.trimEnd()}
  return app;
}
`,
    'server.mjs': `import { build } from './app.mjs';

const app = await build({ logger: { file: 'shop.log' } });
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' });
if (app.smtp) await new Promise((resolve) => app.smtp.listen(Number(process.argv[3]), '127.0.0.1', resolve));
console.log(app.server.address().port, app.smtp?.address().port ?? 0);
`,
    'leak.test.mjs': `import assert from 'node:assert';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hangUp, reproduce } from 'close-wait-guard/testing';
import { build } from './app.mjs';

const { leak } = JSON.parse(readFileSync('leak.json', 'utf8'));

test('closes what leaked in production', async (t) => {
  const app = await build();
  t.after(() => app.close());
  if (app.smtp) t.after(() => app.smtp.close());
  const { leak: again } = await hangUp(app.smtp ?? app, ...reproduce(leak));
  assert.equal(again?.explanation, undefined);
});
`,
  };
}
