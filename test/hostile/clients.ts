import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../support/stage.js';
import { UPLOAD_BYTES } from '../support/upload.js';

/** A client that may be refused or reset at any time. */
export async function open(stage: Stage, port: number, options: Partial<net.TcpNetConnectOpts> = {}): Promise<Socket> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options });
  socket.on('error', () => {});
  stage.defer(() => socket.destroy());
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

const many = (count: number, visit: (i: number) => Promise<unknown>): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, i) => visit(i)));

/** A request whose body the server never reads, and more of it than its buffers take: it leaks once the client has left. */
const upload = (path: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: here\r\nContent-Length: ${UPLOAD_BYTES + 1}\r\n\r\n${'x'.repeat(UPLOAD_BYTES)}`;

export interface Attack {
  readonly run: (stage: Stage, port: number) => Promise<unknown>;
  /** How many sockets the server leaks, at least. */
  readonly leaks: number;
}

/** Clients that mean harm, or know no better. Each is done once what it sends is sent. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  'slowloris: 200 heads that never end': {
    leaks: 0,
    run: (stage, port) =>
      many(200, async (i) => {
        const socket = await open(stage, port);
        socket.write('GET / HTTP/1.1\r\nHost: here\r\n');
        for (let line = 0; line < 20; line++) {
          socket.write(`X-${i}-${line}: slow\r\n`);
          await sleep(20);
        }
      }),
  },

  'heads that come byte by byte': {
    leaks: 0,
    run: (stage, port) =>
      many(20, async () => {
        const socket = await open(stage, port, { noDelay: true });
        socket.resume();
        for (const byte of 'GET /slow HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n') {
          socket.write(byte);
          await sleep(1);
        }
      }),
  },

  '10,000 pipelined requests behind one that is never answered': {
    leaks: 1,
    run: async (stage, port) => {
      const socket = await open(stage, port);
      socket.resume();
      const first = 'POST /first HTTP/1.1\r\nHost: here\r\nContent-Length: 0\r\n\r\n';
      socket.end(first + 'GET / HTTP/1.1\r\nHost: here\r\n\r\n'.repeat(10_000));
      await sleep(500);
    },
  },

  '500 resets': {
    leaks: 0,
    run: (stage, port) =>
      many(500, async () => {
        const socket = await open(stage, port);
        socket.write('POST /reset HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n1');
        socket.resetAndDestroy();
      }),
  },

  '300 connections that never say a word, and half of them leave': {
    leaks: 0,
    run: (stage, port) =>
      many(300, async (i) => {
        const socket = await open(stage, port);
        if (i % 2 === 0) socket.end();
      }),
  },

  '300 clients whose FIN and RST race': {
    leaks: 0,
    run: (stage, port) =>
      many(300, async (i) => {
        const socket = await open(stage, port);
        socket.end(upload('/race'));
        if (i % 3 === 0) await sleep(i % 7);
        socket.resetAndDestroy();
      }),
  },

  '20 clients that ask for 8 MB, read nothing and leave': {
    leaks: 20,
    run: (stage, port) =>
      many(20, async () => {
        const socket = await open(stage, port);
        socket.pause();
        socket.end('GET /large HTTP/1.1\r\nHost: here\r\n\r\n');
        await once(socket, 'finish');
      }),
  },

  '400 paths, each another one, left to leak': {
    leaks: 400,
    run: async (stage, port) => {
      for (let from = 0; from < 400; from += 50) {
        await many(50, async (i) => {
          const socket = await open(stage, port);
          socket.end(upload(`/${'a'.repeat(200)}/${from + i}?token=hunter2`));
          await once(socket, 'finish');
        });
      }
    },
  },
};

/** What a log or a page must not carry as it is: quotes, a brace, a backslash, escapes of a terminal, forged lines. */
const NASTY = ['/%1b[31m%0d%0a{"event":"forged"}', '/"}{x="1"}\\', "/`<script>#'", '/\xe9\xff\x9b31m', '/\x7f'];

/** Leaves requests behind whose paths and headers hold what breaks a log. Node refuses some of them. */
export async function leaveNasty(stage: Stage, port: number): Promise<void> {
  for (const path of NASTY) {
    const socket = await open(stage, port);
    const head = upload(path).replace(
      'Host: here',
      'Host: "}\\x1b[2J\xe9\r\nX-Request-Id: "}\\n\t{"event":"forged"}\x80',
    );
    socket.end(Buffer.from(head, 'latin1'));
    await Promise.race([once(socket, 'finish'), once(socket, 'close')]);
  }
}
