import net, { type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { isListed, kernelRow, socketInode } from '../../support/kernel-view.js';
import { expectKernelAgrees, follow, QUICK } from '../../support/reports.js';
import { testScenarios } from '../../support/scenario.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

describe('a connection that the kernel has ended is a leak while its fd is open, when', () => {
  testScenarios([
    {
      name: 'the client resets a paused socket',
      expect: { leak: { kind: 'reset', side: 'inbound', cause: 'paused', state: 'CLOSE' } },
      play: async (stage) => {
        const port = await stage.listen(
          net.createServer({ pauseOnConnect: true }, (socket) => socket.on('error', () => {})),
        );
        const client = await stage.connect(port);
        client.say('hello');
        await until('the bytes to arrive', () => kernelRow(port, client.port)?.receiveQueue === 5);
        await client.reset();
        return { port };
      },
    },
    {
      name: 'one more message is written to a paused socket whose client has gone',
      expect: { leak: { kind: 'reset', side: 'inbound', cause: 'paused', state: 'CLOSE' } },
      play: async (stage) => {
        let accepted: Socket | undefined;
        const server = net.createServer({ pauseOnConnect: true }, (socket) => {
          accepted = socket;
          socket.on('error', () => {});
        });
        const port = await stage.listen(server);
        const client = await stage.visit(port, 'hello');
        accepted?.write('one message');
        await until('the RST that answers it', () => kernelRow(port, client.port) === undefined);
        return { port };
      },
    },
  ]);
});

describe('a leak whose connection ends later', () => {
  const stage = stageOfEachTest();

  it('stays one leak, of kind reset from then on', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    let accepted: Socket | undefined;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => {
      accepted = socket;
      socket.on('error', () => {});
    });
    const port = await stage.listen(server);
    const client = await stage.visit(port, 'hello');
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak.kind).toBe('close-wait');
    expectKernelAgrees(leak);

    accepted?.write('one message');
    await until('the RST that answers it', () => kernelRow(port, client.port) === undefined);
    const now = guard.leaks().filter(({ id }) => id === leak.id);
    expect(now).toMatchObject([{ kind: 'reset', state: 'CLOSE', fd: leak.fd }]);
    // The kernel has forgotten both ends by now; the report has not.
    expect(now).toMatchObject([{ localPort: port, remotePort: client.port, remoteAddress: '127.0.0.1' }]);
    const inode = socketInode(leak.fd);
    expect(isListed(inode!)).toBe(false);

    accepted?.destroy();
    await until('the release', () => seen.released.length > 0);
    expect(seen.leaks).toHaveLength(1);
    expect(seen.released).toMatchObject([{ id: leak.id, kind: 'reset' }]);
  });
});
