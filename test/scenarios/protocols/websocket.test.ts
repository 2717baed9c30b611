import http from 'node:http';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { describe } from 'vitest';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { until } from '../../support/until.js';

describe('a WebSocket server leaks a socket when', () => {
  testScenarios([
    {
      name: 'it pauses a connection and does not resume it',
      expect: { leak: { kind: 'close-wait', side: 'inbound', cause: 'paused', route: '/live' } },
      play: async (stage) => {
        let accepted: WebSocket | undefined;
        const server = http.createServer();
        const sockets = new WebSocketServer({ server });
        stage.defer(() => sockets.close());
        sockets.on('connection', (socket) => {
          accepted = socket;
          socket.on('error', () => {});
          socket.on('message', () => socket.pause());
        });
        const port = await stage.listen(server);
        const client = new WebSocket(`ws://127.0.0.1:${port}/live`);
        client.on('error', () => {});
        await once(client, 'open');
        client.send('1');
        await until('the server to pause', () => accepted?.isPaused);
        client.send('2');
        client.terminate();
        await until('the FIN to arrive', () =>
          kernelRows().some(({ localPort, state }) => localPort === port && state === CLOSE_WAIT),
        );
        return { port };
      },
    },
  ]);
});
