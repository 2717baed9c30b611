import { createHash } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { pathIn } from '../../../src/inspect/attach/inspector.js';
import { Exchange } from '../../../src/inspect/attach/session.js';
import { frameIn, LoopbackWebSocket } from '../../../src/inspect/attach/web-socket.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

const never = new AbortController().signal;

describe('the WebSocket client of attach', () => {
  const stage = stageOfEachTest();

  it.each([0, 1, 125, 126, 65_535, 65_536, 300_000])(
    'sends and takes %i bytes as another implementation does',
    async (size) => {
      const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
      await once(server, 'listening');
      stage.defer(() => server.close());
      server.on('connection', (socket) => socket.on('message', (data: Buffer) => socket.send(data.toString())));
      const got: string[] = [];
      const { port } = server.address() as net.AddressInfo;
      const client = await LoopbackWebSocket.connect(
        { host: '127.0.0.1', port, path: '/x' },
        { onMessage: (text) => got.push(text), onClose: () => undefined },
        never,
      );
      stage.defer(() => client.close());
      const text = 'ä'.repeat(size / 2) + 'x'.repeat(size % 2);
      client.send(text);
      await until('the echo', () => got.length > 0);
      expect(got).toEqual([text]);
    },
  );

  /** A server that takes the handshake and then sends these bytes. */
  async function serverSending(bytes: Buffer, status = '101 Switching Protocols'): Promise<number> {
    return stage.listen(
      net.createServer((socket) => {
        socket
          .on('error', () => undefined)
          .once('data', (head: Buffer) => {
            const key = /sec-websocket-key: (.*)\r\n/i.exec(head.toString())?.[1] ?? '';
            const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
            socket.write(`HTTP/1.1 ${status}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
            socket.write(bytes);
          });
      }),
    );
  }

  async function endOf(port: number): Promise<string> {
    return new Promise((resolve, reject) => {
      LoopbackWebSocket.connect(
        { host: '127.0.0.1', port, path: '/' },
        { onMessage: () => undefined, onClose: resolve },
        never,
      ).catch(reject);
    });
  }

  it.each([
    ['masked, as only a client may', Buffer.from([0x81, 0x80, 0, 0, 0, 0]), 'a frame that no inspector sends'],
    ['a part of a message', Buffer.from([0x01, 0x01, 0x61]), 'a frame that no inspector sends'],
    ['compressed', Buffer.from([0xc1, 0x01, 0x61]), 'a frame that no inspector sends'],
    ['binary', Buffer.from([0x82, 0x01, 0x61]), 'a frame that no inspector sends'],
    [
      'of 2^60 bytes',
      Buffer.from([0x81, 127, 0x10, 0, 0, 0, 0, 0, 0, 0]),
      'a message of 1152921504606847000 bytes; at most 67108864 are taken',
    ],
  ])('ends at a frame that is %s', async (_what, bytes, why) => {
    expect(await endOf(await serverSending(bytes))).toBe(`the other end sent ${why}`);
  });

  it('takes a frame that comes byte by byte, and two that come at once', () => {
    const frame = Buffer.from([0x81, 0x02, 0x68, 0x69]);
    for (let length = 0; length < frame.length; length++) expect(frameIn(frame.subarray(0, length))).toBeUndefined();
    expect(frameIn(Buffer.concat([frame, frame]))).toMatchObject({ opcode: 1, bytes: 4 });
  });

  it('is refused by what is no inspector, and does not wait for a head without an end', async () => {
    await expect(endOf(await serverSending(Buffer.alloc(0), '200 OK'))).rejects.toThrow(/is no inspector$/);
    const endless = await stage.listen(
      net.createServer((socket) => socket.on('error', () => undefined).write('x'.repeat(20_000))),
    );
    await expect(endOf(endless)).rejects.toThrow(/is no inspector$/);
    const silent = await stage.listen(net.createServer((socket) => socket.destroy()));
    await expect(endOf(silent)).rejects.toThrow(/did not take the connection/);
  });
});

describe('what an inspector says', () => {
  it.each([
    [
      '[{"type":"node","webSocketDebuggerUrl":"ws://127.0.0.1:9229/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e"}]',
      '/0f2c936f-b1cd-4ac9-aab3-f63b0f33d55e',
    ],
    ['[{"type":"page","webSocketDebuggerUrl":"ws://127.0.0.1:9229/devtools/page/1"}]', undefined],
    ['[{"type":"node","webSocketDebuggerUrl":"ws://x/a\\r\\nX: y"}]', undefined],
    ['[{"type":"node","webSocketDebuggerUrl":"http://x/a"}]', undefined],
    ['{}', undefined],
    ['<html>', undefined],
  ])('%s leads to %s', (list, path) => {
    expect(pathIn(list)).toBe(path);
  });

  it('that is no message of the protocol is ignored, and a lost connection rejects what is waited for', async () => {
    const sent: string[] = [];
    const exchange = new Exchange((text) => sent.push(text));
    const answer = exchange.call('Runtime.evaluate');
    for (const text of ['', '[]', '{"id":7}', 'null', '{"id":"1","result":{}}']) exchange.take(text);
    exchange.take('{"id":1,"result":{"a":1}}');
    expect(await answer).toEqual({ a: 1 });
    const lost = exchange.call('Runtime.evaluate');
    exchange.lose('the other end closed the connection');
    await expect(lost).rejects.toThrow('the other end closed the connection');
    await expect(exchange.call('Runtime.evaluate')).rejects.toThrow('the other end closed the connection');
  });
});
