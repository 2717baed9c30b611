/**
 * The demo's app with OpenTelemetry: a client uploads to POST /items/:id, loses patience and leaves; the handler never notices. Printed is
 * the trace of that request, with the leak inside it.
 *
 *   npm run demo:otel
 */
import { events, spans } from './sdk.mjs';
import http from 'node:http';
import { trace } from '@opentelemetry/api';
import { instrumentGuard } from 'close-wait-guard/otel';
import { startApp, UPLOAD_BYTES } from '../demo/app.mjs';
import { printTrace } from './print-trace.mjs';

// 60 s by default; short here, so that you need not wait.
const app = await startApp({ closeWaitTimeout: 500, sampleInterval: 50 });

// This line is all there is to it.
instrumentGuard(app.guard);

await trace.getTracer('phone').startActiveSpan('upload a photo', async (span) => {
  await uploadAndLeave();
  span.end();
});
await event('close_wait_guard.leak');
// The span of a request ends with it, and this one only does when its socket is closed.
app.closeHeld();
await event('close_wait_guard.released');

const leak = eventsOf('close_wait_guard.leak')[0];
printTrace(leak.spanContext.traceId, await spansOf(leak.spanContext), events.getFinishedLogRecords());
await app.close();
process.exit();

/** Uploads, waits until the handler has the request and its bytes have arrived, and hangs up. */
function uploadAndLeave() {
  const request = http.request({
    host: '127.0.0.1',
    port: app.ports.http,
    method: 'POST',
    path: '/items/7',
    agent: false,
    headers: { 'content-type': 'application/octet-stream', 'content-length': 2 * UPLOAD_BYTES },
  });
  return new Promise((resolve) => {
    request.once('error', () => {}).once('close', resolve);
    request.write(Buffer.alloc(UPLOAD_BYTES), () => setTimeout(() => request.destroy(), 100));
  });
}

function eventsOf(name) {
  return events.getFinishedLogRecords().filter(({ eventName }) => eventName === name);
}

async function event(name) {
  await until(`the event ${name}`, () => eventsOf(name).length > 0);
}

/** Those of a trace, once the span that the leak stands in has ended too. */
async function spansOf({ traceId, spanId }) {
  const ofTrace = () => spans.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
  await until('its span to end', () => ofTrace().some((span) => span.spanContext().spanId === spanId));
  return ofTrace();
}

async function until(what, isTrue) {
  const deadline = Date.now() + 20_000;
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
