import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../../support/kernel-view.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { programs } from '../../support/programs.js';
import { until } from '../../support/until.js';

describe('a socket that is closed here and still open in a child', () => {
  const stage = stageOfEachTest();

  it('is a leak until the child closes it', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    let accepted: Socket | undefined;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    await until('the connection', () => accepted);
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
      stdio: ['ignore', accepted, 'ignore'],
    });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    accepted!.destroy();
    await client.halfClose();

    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({
      kind: 'close-wait',
      side: 'inbound',
      cause: 'held-by-another-process',
      state: 'CLOSE_WAIT',
      remotePort: client.port,
    });
    const row = kernelRow(port, client.port);
    expect(row?.state).toBe(CLOSE_WAIT);
    const link = `socket:[${row?.inode}]`;
    expect([...openFds().values()]).not.toContain(link);
    expect([...openFds(child.pid).values()]).toContain(link);

    child.kill('SIGKILL');
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(kernelRow(port, client.port)?.state).not.toBe(CLOSE_WAIT);
    expect(seen.leaks.filter(({ localPort }) => localPort === port)).toHaveLength(1);
  });

  it('is no leak while the child still sends to it', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const accepted: Socket[] = [];
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => accepted.push(socket));
    const port = await stage.listen(server);
    const served = await stage.connect(port);
    const left = await stage.connect(port);
    await until('the connections', () => accepted.length === 2);
    // The first is written to all the time, the second is not.
    const [writing, idle] = accepted as [Socket, Socket];
    const child = spawn(process.execPath, ['-e', 'setInterval(() => require("fs").writeSync(1, "x"), 20)'], {
      stdio: ['ignore', writing, idle],
    });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    for (const socket of accepted) socket.destroy();
    served.socket.resume();
    await served.halfClose();
    await left.halfClose();
    const leak = await until('the idle one', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ cause: 'held-by-another-process', remotePort: left.port });
    const sent = served.socket.bytesRead;
    await until('more to be sent', () => served.socket.bytesRead > sent + 100);
    expect(seen.leaks.filter(({ localPort }) => localPort === port)).toHaveLength(1);
  });

  it('is reported by a guard of the child, where it has one, and not here', async () => {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    const seen = follow(guard);
    const server = net.createServer({ pauseOnConnect: true });
    const port = await stage.listen(server);
    const program = path.join(programs, 'guarded-child.mjs');
    const child = fork(program, [JSON.stringify(QUICK)], { stdio: 'ignore' });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'message');
    server.on('connection', (socket) => child.send('take this', socket));
    const client = await stage.visit(port, 'hello');
    const [told] = (await once(child, 'message')) as [{ remotePort: number; cause: string; side: string }];
    expect(told).toMatchObject({ remotePort: client.port, side: 'inbound' });

    server.removeAllListeners('connection');
    await stage.visit(port, 'control');
    await until('the control', () => seen.leaks.some(({ localPort }) => localPort === port));
    expect(seen.leaks.filter(({ remotePort }) => remotePort === client.port)).toEqual([]);
  });
});
