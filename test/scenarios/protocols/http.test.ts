import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream';
import type { Socket } from 'node:net';
import { describe } from 'vitest';
import { testScenarios } from '../../support/scenario.js';
import { get, post } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { ABANDONED_BYTES, UPLOAD_BYTES } from '../../support/upload.js';

const inbound = { kind: 'close-wait', side: 'inbound' } as const;

/** The handler takes the first read, the stream the second; the rest fits into the receive window, so that the FIN arrives. */
const PAUSED_BYTES = 2 * 65_536 + 40_960;

describe('an http server leaks a socket when', () => {
  testScenarios([
    {
      name: 'an upgraded socket is read and never ended',
      expect: { leak: { ...inbound, cause: 'half-open-not-ended', method: 'GET', route: '/live' } },
      play: async (stage) => {
        const server = http.createServer();
        server.on('upgrade', (_request, socket: Socket) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: feed\r\nConnection: Upgrade\r\n\r\n');
          socket.resume();
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say(get('/live?token=secret', 'Connection: Upgrade\r\nUpgrade: feed\r\n'));
        await until('the upgrade', () => client.text.includes('101'));
        await client.close();
        return { port, unread: 0 };
      },
    },
    {
      name: 'a CONNECT tunnel is read and never ended',
      expect: { leak: { ...inbound, cause: 'half-open-not-ended' } },
      play: async (stage) => {
        const server = http.createServer();
        server.on('connect', (_request, socket: Socket) => {
          socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
          socket.resume();
        });
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n');
        await until('the tunnel', () => client.text.includes('200'));
        await client.close();
        return { port, unread: 0 };
      },
    },
    {
      name: 'a handler waits for something else and does not read its body',
      expect: { leak: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/upload' } },
      play: async (stage) => {
        const port = await stage.listen(http.createServer(() => {}));
        await stage.visit(port, post('/upload?for=me', UPLOAD_BYTES));
        return { port, unread: UPLOAD_BYTES };
      },
    },
    {
      name: 'a handler pauses its body and does not resume it',
      expect: { leak: { ...inbound, cause: 'request-body-not-read', method: 'POST', route: '/import' } },
      play: async (stage) => {
        const server = http.createServer((request) => request.once('data', () => request.pause()));
        const port = await stage.listen(server);
        await stage.visit(port, post('/import', PAUSED_BYTES));
        return { port };
      },
    },
    {
      name: 'httpAllowHalfOpen is set and the handler never answers',
      expect: { leak: { ...inbound, cause: 'response-not-ended', method: 'GET', route: '/never' } },
      play: async (stage) => {
        const server = http.createServer(() => {});
        (server as http.Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
        const port = await stage.listen(server);
        await stage.visit(port, get('/never'));
        return { port, unread: 0 };
      },
    },
    {
      name: 'the first of several pipelined requests is never answered',
      expect: { leak: { ...inbound, cause: 'pipelined-behind-pending-response' } },
      play: async (stage) => {
        const server = http.createServer((request, response) => {
          if (request.url !== '/first') response.end('a'.repeat(200 * 1024));
        });
        const port = await stage.listen(server);
        await stage.visit(port, get('/first') + get('/second') + get('/third'));
        return { port };
      },
    },
    {
      name: `a 'clientError' listener only counts`,
      expect: { leak: { ...inbound, cause: 'half-open-not-ended' } },
      play: async (stage) => {
        const server = http.createServer((_request, response) => response.end('ok'));
        server.on('clientError', () => {});
        const port = await stage.listen(server);
        await stage.visit(port, 'GET / HTTP/1.1\r\nHost: shop.test\r\n');
        return { port, unread: 0 };
      },
    },
    {
      name: 'the pipeline of a body failed and keepAliveTimeout is 0',
      expect: { leak: { ...inbound, cause: 'request-body-abandoned', method: 'POST', route: '/store' } },
      play: async (stage) => {
        const nowhere = path.join(os.tmpdir(), 'close-wait-guard-no-such-directory', 'file');
        const server = http.createServer((request, response) => {
          pipeline(request, createWriteStream(nowhere), () => {
            response.statusCode = 500;
            response.end();
          });
        });
        server.keepAliveTimeout = 0;
        const port = await stage.listen(server);
        const client = await stage.connect(port);
        client.say(post('/store', ABANDONED_BYTES));
        await until('the answer', () => client.text.includes('500'));
        await client.close();
        return { port };
      },
    },
  ]);
});
