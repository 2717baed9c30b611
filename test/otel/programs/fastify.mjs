// Fastify with its own instrumentation and none of node:http, in a process that was started inside of a span.
import { instrumentGuard } from 'close-wait-guard/otel';
import closeWaitGuard from 'close-wait-guard';
import { api, idsOf, startSdk } from './sdk.mjs';
import { post, print, until, visit } from './sockets.mjs';

const instrumented = process.argv[3] !== 'bare';
const sdk = startSdk({ fastify: instrumented });
const { default: Fastify } = await import(sdk.require.resolve('fastify'));
const app = Fastify({ bodyLimit: 1e9 });
const served = {};
let boot;
await api.trace.getTracer('boot').startActiveSpan('boot', async (span) => {
  boot = idsOf(span.spanContext());
  await app.register(closeWaitGuard, { closeWaitTimeout: 300, sampleInterval: 50 });
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.post('/items/:id', (request) => {
    served[request.url] = idsOf(api.trace.getSpanContext(api.context.active()) ?? {});
    return new Promise(() => {});
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
});
instrumentGuard(app.closeWaitGuard);
const { port } = app.server.address();
await visit(port, post('/items/1'));
await visit(port, post('/items/2', { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }));
await until('two leaks', () => sdk.events().length === 2);
print({ boot, served, events: sdk.events(), leaks: app.closeWaitGuard.leaks() });
process.exit();
