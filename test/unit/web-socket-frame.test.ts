import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import * as ws from 'ws';
import { webSocketFrame, webSocketPing } from '../../src/testing/hang-up/web-socket.js';

/** Exported, and not in its types. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: { readonly isServer: boolean }) => Writable };

/** What a server of the package `ws` takes from these bytes; it refuses a frame that is not masked. */
function taken(bytes: Buffer): Promise<{ readonly kind: 'message' | 'ping'; readonly data: Buffer }> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer: true });
    receiver.on('error', reject);
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) resolve({ kind: 'message', data });
      else reject(new Error('a text message'));
    });
    receiver.on('ping', (data: Buffer) => resolve({ kind: 'ping', data }));
    receiver.write(bytes);
  });
}

// Each side of where the length moves into two bytes, and into eight (RFC 6455, 5.2).
it.each([1, 125, 126, 65_535, 65_536])('a message of %d bytes is one to ws', async (size) => {
  const { kind, data } = await taken(webSocketFrame(size));
  expect(kind).toBe('message');
  expect(data.equals(Buffer.alloc(size, 'x'))).toBe(true);
});

it('a ping is one to ws', async () => {
  await expect(taken(webSocketPing())).resolves.toMatchObject({ kind: 'ping' });
});
