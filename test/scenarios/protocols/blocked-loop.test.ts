import { once } from 'node:events';
import http from 'node:http';
import net, { type Socket } from 'node:net';
import { setTimeout } from 'node:timers';
import { describe, expect } from 'vitest';
import { CLOSE_WAIT, kernelRows, type KernelRow } from '../../support/kernel-view.js';
import { testScenarios } from '../../support/scenario.js';
import { get } from '../../support/stage.js';
import { blockEventLoop, outcomeOf, visitFromOutside } from '../../support/programs.js';
import { until } from '../../support/until.js';

function halfClosed(port: number): KernelRow[] {
  return kernelRows().filter(({ localPort, state }) => localPort === port && state === CLOSE_WAIT);
}

describe('nobody is accused while the event loop is blocked for longer than closeWaitTimeout, and', () => {
  testScenarios([
    {
      name: 'the client of the very request that blocks it leaves',
      expect: { silent: 'closed' },
      closeWaitTimeout: 1_000,
      play: async (stage) => {
        let rows: KernelRow[] | undefined;
        const server = http.createServer((_request, response) => {
          blockEventLoop(2_000);
          rows = halfClosed(port);
          response.end('ok');
        });
        const port = await stage.listen(server);
        const client = outcomeOf(visitFromOutside(port, get('/report')));
        await until('the request to be handled', () => rows);
        expect(rows, 'the kernel saw the client leave during the block').toHaveLength(1);
        expect((await client).code).toBe(0);
        return port;
      },
    },
    {
      name: 'clients come and go while they wait to be accepted',
      expect: { silent: 'closed' },
      closeWaitTimeout: 1_000,
      play: async (stage) => {
        let accepted = 0;
        const server = net.createServer((socket) => {
          accepted++;
          socket.resume();
        });
        const port = await stage.listen(server);
        const client = outcomeOf(visitFromOutside(port, 'hello'));
        blockEventLoop(2_000);
        const [row] = halfClosed(port);
        expect(row, 'it waits in the accept queue, without an fd').toMatchObject({ inode: 0 });
        await until('it to be accepted', () => accepted > 0);
        expect((await client).code).toBe(0);
        return port;
      },
    },
    {
      name: 'the application closes the socket soon after, not at once',
      expect: { silent: 'closed' },
      closeWaitTimeout: 1_000,
      play: async (stage) => {
        let accepted: Socket | undefined;
        const port = await stage.listen(net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket)));
        await stage.visit(port, 'hello');
        expect(halfClosed(port)).toHaveLength(1);
        blockEventLoop(2_000);
        setTimeout(() => accepted?.resume(), 300);
        await once(accepted!, 'close');
        return port;
      },
    },
  ]);
});
