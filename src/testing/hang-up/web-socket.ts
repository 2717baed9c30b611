import { randomBytes } from 'node:crypto';

const FIN_BINARY = 0x82;
const FIN_PING = 0x89;
const MASKED = 0x80;

/** A binary WebSocket message of `size` bytes, in one masked frame, as a client sends it (RFC 6455, 5.2). */
export function webSocketFrame(size: number): Buffer {
  return maskedFrame(FIN_BINARY, size);
}

/** A ping (RFC 6455, 5.5.2), which the library answers and the application does not see. */
export function webSocketPing(): Buffer {
  return maskedFrame(FIN_PING, 5);
}

function maskedFrame(first: number, size: number): Buffer {
  const mask = randomBytes(4);
  const payload = Buffer.alloc(size);
  for (let i = 0; i < size; i++) payload[i] = 0x78 ^ mask[i % 4]!;
  return Buffer.concat([frameHead(first, size), mask, payload]);
}

function frameHead(first: number, size: number): Buffer {
  if (size < 126) return Buffer.of(first, MASKED | size);
  if (size < 65_536) return Buffer.of(first, MASKED | 126, size >> 8, size & 0xff);
  const head = Buffer.alloc(10);
  head.set([first, MASKED | 127]);
  head.writeBigUInt64BE(BigInt(size), 2);
  return head;
}
