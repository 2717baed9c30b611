// Requests whose sockets leak, with node:http instrumented: the events must stand in the traces of those requests.
import { createGuard } from 'close-wait-guard';
import { instrumentGuard } from 'close-wait-guard/otel';
import { api, idsOf, startSdk } from './sdk.mjs';
import { listen, post, print, until, visit } from './sockets.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';

const sdk = startSdk({ http: true });
const http = sdk.require('node:http');
const guard = createGuard({ closeWaitTimeout: 300, sampleInterval: 50 });
const served = {};
// Neither reads the body nor answers. A handler sees the span of its request.
const server = http.createServer((request) => {
  served[request.url] = idsOf(api.trace.getSpanContext(api.context.active()));
  served.listeners = () => ({
    probes: request.eventNames().filter((name) => typeof name === 'symbol').length,
    messages: Object.getOwnPropertySymbols(request).filter(({ description }) => description.startsWith('close-wait'))
      .length,
  });
});
// The server is made, and the guard samples, inside of a span that has nothing to do with any request.
let unrelated;
await api.trace.getTracer('start').startActiveSpan('start', async (span) => {
  unrelated = idsOf(span.spanContext());
  instrumentGuard(guard);
  guard.watch(server, { name: 'shop' });
  await listen(server);
});
const { port } = server.address();

await visit(port, post('/traced', { traceparent: `00-${TRACE}-${CALLER}-01` }));
await visit(port, post('/untraced'));
await visit(port, post('/hostile', { traceparent: `00-${'z'.repeat(32)}-${CALLER}-01` }));
await until('three leaks', () => guard.leaks().length === 3);
const leaks = guard.leaks();
const left = served.listeners();
for (const { path, route } of leaks)
  if (!served[path ?? route]) throw new Error(`nothing is known of ${path ?? route}`);
server.closeAllConnections();
await until('three releases', () => sdk.events().length === 6);
await sdk.shutdown;
print({ TRACE, CALLER, unrelated, served, leaks, left, events: sdk.events(), spans: sdk.spans() });
process.exit();
