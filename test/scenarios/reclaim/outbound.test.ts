import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { describe } from 'vitest';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { closingOf, errorsOf } from '../../support/scenario-verdicts.js';
import type { Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { until } from '../../support/until.js';

const unread = { kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' } as const;
const KB = 1024;
/** A response holds a little more in its own buffer than an upload's request does. */
const ANSWER = UPLOAD_BYTES + 16 * KB;

/** Answers with more than a client buffers by itself and less than fills its receive window, and closes. */
function answer(response: http.ServerResponse, bytes: number): void {
  response.setHeader('connection', 'close');
  response.end(Buffer.alloc(bytes));
}

async function serve(stage: Stage, bytes: number): Promise<number> {
  return stage.listen(http.createServer((_request, response) => answer(response, bytes)));
}

async function serverHasLeft(port: number): Promise<void> {
  await until('the server to close', () =>
    kernelRows().some(({ remotePort, state }) => remotePort === port && state === CLOSE_WAIT),
  );
}

async function responseTo(call: ClientRequest): Promise<IncomingMessage> {
  let response: IncomingMessage | undefined;
  call.once('response', (received) => (response = received));
  return until('the response', () => response);
}

describe('reclaim destroys', () => {
  testScenarios([
    {
      name: 'an unread response whose request has an error listener',
      expect: { reclaimed: unread },
      play: async (stage) => {
        const port = await serve(stage, ANSWER);
        const call = http.get({ port, host: '127.0.0.1', path: '/prices', agent: false });
        const errors = { request: errorsOf(call) };
        const response = await responseTo(call);
        const closing = { request: closingOf(call), response: closingOf(response), socket: closingOf(response.socket) };
        await serverHasLeft(port);
        return { port, closing, errors };
      },
    },
    {
      name: 'an unread response whose request has none',
      expect: { reclaimed: unread },
      play: async (stage) => {
        const port = await serve(stage, ANSWER);
        const call = http.get({ port, host: '127.0.0.1', path: '/prices', agent: false });
        const response = await responseTo(call);
        const closing = { request: closingOf(call), response: closingOf(response), socket: closingOf(response.socket) };
        await serverHasLeft(port);
        return { port, closing };
      },
    },
    {
      name: 'an unread response of an agent, which forgets the socket',
      expect: { reclaimed: unread },
      play: async (stage) => {
        const port = await serve(stage, ANSWER);
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        stage.defer(() => agent.destroy());
        const call = http.get({ port, host: '127.0.0.1', path: '/first', agent });
        const response = await responseTo(call);
        // With one socket at most, this one waits until the leak is gone.
        const next = http.get({ port, host: '127.0.0.1', path: '/second', agent });
        next.once('response', (received) => received.resume());
        const closing = { request: closingOf(call), response: closingOf(response), 'next request': closingOf(next) };
        await serverHasLeft(port);
        return { port, closing };
      },
    },
    {
      name: 'an unread response over TLS',
      expect: { reclaimed: unread },
      play: async (stage) => {
        const server = https.createServer(localhost, (_request, response) => answer(response, ANSWER));
        const port = await stage.listen(server);
        const call = https.get({ port, host: '127.0.0.1', ca: localhost.cert, servername: 'localhost', agent: false });
        const errors = { request: errorsOf(call) };
        const response = await responseTo(call);
        const closing = { request: closingOf(call), response: closingOf(response) };
        await serverHasLeft(port);
        return { port, closing, errors };
      },
    },
  ]);
});
