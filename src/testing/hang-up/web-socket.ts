import { randomBytes } from 'node:crypto';

/** A binary WebSocket message of `size` bytes, in one masked frame, as a client sends it (RFC 6455, 5.2). */
export function webSocketFrame(size: number): Buffer {
  const mask = randomBytes(4);
  const payload = Buffer.alloc(size);
  for (let i = 0; i < size; i++) payload[i] = 0x78 ^ mask[i % 4]!;
  return Buffer.concat([frameHead(size), mask, payload]);
}

const FIN_BINARY = 0x82;
const MASKED = 0x80;

function frameHead(size: number): Buffer {
  if (size < 126) return Buffer.of(FIN_BINARY, MASKED | size);
  if (size < 65_536) return Buffer.of(FIN_BINARY, MASKED | 126, size >> 8, size & 0xff);
  const head = Buffer.alloc(10);
  head.set([FIN_BINARY, MASKED | 127]);
  head.writeBigUInt64BE(BigInt(size), 2);
  return head;
}
