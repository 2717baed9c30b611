/**
 * An app that has never heard of close-wait-guard. The preload watches it all the same, and changes nothing in it:
 *
 *   CLOSE_WAIT_GUARD_TIMEOUT_MS=2000 CLOSE_WAIT_GUARD_METRICS_PORT=9464 \
 *     node --import close-wait-guard/register examples/preload-app.mjs
 *   head -c 100000 /dev/zero | curl -m 1 --data-binary @- http://127.0.0.1:3000/photos/7
 *   curl http://127.0.0.1:9464/metrics
 *
 * Each leak is one JSON line on stderr; CLOSE_WAIT_GUARD_LOG names a file instead.
 *
 * (150000 bytes on Node 22 and later, see README.md.)
 */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  // The bug: an upload is neither read nor answered.
  if (request.method === 'POST') return;
  response.end('ok\n');
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
