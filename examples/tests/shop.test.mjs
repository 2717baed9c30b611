import { once } from 'node:events';
import { connect } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertNoLeakedSockets } from 'close-wait-guard/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { buildShop } from './shop.mjs';

/** More than Node buffers by itself of a body that nobody reads. */
const UPLOAD_BYTES = 90_000 + getDefaultHighWaterMark(false);

let app;
beforeEach(async () => {
  app = buildShop();
  await app.listen({ host: '127.0.0.1', port: 0 });
});
// Close the app in a hook: within the test function it would destroy the evidence.
afterEach(async () => {
  app.server.closeAllConnections();
  await app.close();
});

/** A client that uploads, waits for a moment, and leaves, as one with a time-out does. */
async function uploadAndLeave(bytes) {
  const socket = connect(app.server.address().port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    `POST /photos/7 HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n` +
      'x'.repeat(bytes),
  );
  socket.resume();
  await sleep(100);
  socket.destroy();
  await once(socket, 'close');
}

// Nothing here speaks of sockets: the setup file looks.
test('a client that leaves after its upload', async () => {
  await uploadAndLeave(UPLOAD_BYTES);
});

// The same asked for by hand, for any test runner.
test('a client that leaves after its upload, with assertNoLeakedSockets', async () => {
  await uploadAndLeave(UPLOAD_BYTES);
  await assertNoLeakedSockets({ server: app });
});

// And as a matcher.
test('a client that leaves after its upload, with the matcher', async () => {
  await uploadAndLeave(UPLOAD_BYTES);
  await expect(app).toHaveNoLeakedSockets();
});
