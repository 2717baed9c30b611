import http, { type IncomingMessage } from 'node:http';
import net from 'node:net';
import { request } from 'undici';
import { describe } from 'vitest';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { get, type Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const outbound = { kind: 'close-wait', side: 'outbound', server: undefined } as const;

/** Answers every request with `bytes` and closes, as a server without keep-alive does. */
async function serveOnce(stage: Stage, bytes: number): Promise<number> {
  const server = http.createServer((_request, response) => {
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(bytes));
  });
  return stage.listen(server);
}

async function serverHasLeft(port: number): Promise<void> {
  await until('the server to close', () =>
    kernelRows().some(({ remotePort, state }) => remotePort === port && state === CLOSE_WAIT),
  );
}

describe('a client leaks a socket when', () => {
  // What a response's reader would keep: a dropped one may heal at the next garbage collection.
  const kept: unknown[] = [];

  testScenarios([
    {
      name: 'a net socket with a pending answer is not read to its end',
      expect: { leak: { ...outbound, cause: 'paused' } },
      play: async (stage) => {
        const port = await stage.listen(net.createServer((socket) => socket.on('error', () => {}).end('welcome')));
        const socket = net.connect(port, '127.0.0.1').pause();
        socket.on('error', () => {});
        await serverHasLeft(port);
        return { port, unread: 7 };
      },
    },
    {
      name: 'http.get() does not consume its response',
      expect: { leak: { ...outbound, cause: 'response-body-not-read', method: 'GET' } },
      play: async (stage) => {
        const port = await serveOnce(stage, UPLOAD_BYTES);
        http.get({ port, host: '127.0.0.1', path: '/prices?key=secret', agent: false }, (response) =>
          kept.push(response),
        );
        await serverHasLeft(port);
        return { port, unread: UPLOAD_BYTES };
      },
    },
    {
      name: 'a response is piped to a client that has gone',
      expect: { leak: { ...outbound, cause: 'response-body-not-read', method: 'GET' } },
      play: async (stage) => {
        let sendRest: (() => void) | undefined;
        const upstream = http.createServer((_request, response) => {
          response.setHeader('connection', 'close');
          response.write('start');
          sendRest = () => response.end(Buffer.alloc(150 * 1024));
        });
        const port = await stage.listen(upstream);
        let answer: IncomingMessage | undefined;
        let answered: http.ServerResponse | undefined;
        const proxy = http.createServer((_request, response) => {
          answered = response;
          http.get({ port, host: '127.0.0.1', path: '/catalogue', agent: false }, (received) => {
            answer = received;
            received.pipe(response);
          });
        });
        const proxyPort = await stage.listen(proxy);
        const client = await stage.connect(proxyPort);
        client.say(get('/catalogue'));
        await until('the first bytes to come through', () => client.text.includes('start'));
        await client.close();
        await until('the proxy to see it', () => answered?.destroyed);
        sendRest?.();
        kept.push(answer);
        await serverHasLeft(port);
        return { port };
      },
    },
    {
      name: 'undici.request() leaves its body',
      expect: { leak: { ...outbound, cause: 'response-body-not-read', method: 'GET' } },
      play: async (stage) => {
        const port = await serveOnce(stage, 220 * 1024);
        const { body } = await request(`http://127.0.0.1:${port}/report?key=secret`);
        body.on('error', () => {});
        await serverHasLeft(port);
        return { port, release: () => body.destroy() };
      },
    },
    {
      name: 'fetch() leaves its body',
      expect: { leak: { ...outbound, cause: 'response-body-not-read', method: 'GET' } },
      play: async (stage) => {
        const port = await serveOnce(stage, 170 * 1024);
        const response = await fetch(`http://127.0.0.1:${port}/report?key=secret`);
        kept.push(response);
        await serverHasLeft(port);
        return { port, release: () => void response.body?.cancel() };
      },
    },
  ]);
});
