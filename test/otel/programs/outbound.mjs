// Responses that nobody reads, asked for inside of a span by clients that no instrumentation knows.
import http from 'node:http';
import net from 'node:net';
import { createGuard } from 'close-wait-guard';
import { instrumentGuard } from 'close-wait-guard/otel';
import { api, idsOf, startSdk } from './sdk.mjs';
import { BODY, listen, print, until } from './sockets.mjs';

const sdk = startSdk();
const guard = createGuard({ closeWaitTimeout: 300, sampleInterval: 50, traceRequests: false });
instrumentGuard(guard);
// More than a client buffers by itself, and less than fills a receive window: undici takes more than node:http.
const SIZES = { '/http': BODY + 16_384, '/fetch': 225_280 };
const upstream = http.createServer((request, response) => {
  response.setHeader('connection', 'close');
  response.end(Buffer.alloc(SIZES[request.url]));
});
const port = await listen(upstream);
const bytes = net.createServer((socket) => socket.end('bye'));
const bytesPort = await listen(bytes);
const spans = {};
const kept = [];
const inSpan = (name, run) =>
  api.trace.getTracer('test').startActiveSpan(name, async (span) => {
    spans[name] = idsOf(span.spanContext());
    kept.push(await run());
    span.end();
  });
await inSpan(
  'http',
  () => new Promise((resolve) => http.get({ port, host: '127.0.0.1', path: '/http', agent: false }, resolve)),
);
await inSpan('fetch', () => fetch(`http://127.0.0.1:${port}/fetch`));
await inSpan(
  'net',
  () =>
    new Promise((resolve) => {
      const socket = net.connect({ port: bytesPort, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket));
    }),
);
await until('three leaks', () => sdk.events().length >= 3);
print({ spans, ports: { port, bytesPort }, events: sdk.events(), kept: kept.length });
process.exit();
