import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../../support/kernel-view.js';
import { programs } from '../../support/programs.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

describe('a connection that another process holds', () => {
  const stage = stageOfEachTest();

  function guarded(): ReturnType<typeof follow> {
    const guard = createGuard(QUICK);
    stage.defer(() => guard.close());
    return follow(guard);
  }

  function start(program: string, ...args: string[]): ChildProcess {
    const child = fork(path.join(programs, program), args, { stdio: 'ignore' });
    // A server that has sent a socket away asks the child for it when it closes.
    stage.defer(async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    });
    return child;
  }

  /** A server that sends each connection to the child. It is not waited for: Node counts such connections down twice. */
  async function sendEach(child: ChildProcess): Promise<number> {
    const server = net.createServer({ pauseOnConnect: true }, (socket) => child.send('take', socket));
    server.listen(0, '127.0.0.1');
    stage.defer(() => server.close());
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  const holds = (child: ChildProcess, inode: number): boolean =>
    [...openFds(child.pid).values()].includes(`socket:[${inode}]`);

  it('is none of ours where this process never accepted it: another program has our port number on another address', async () => {
    const seen = guarded();
    const server = net.createServer((socket) => socket.resume());
    const port = await stage.listen(server);
    await stage.visit(port, 'hello');
    const other = start('leaks-on-its-own.mjs', '127.0.0.2', String(port));
    const [{ localPort }] = (await once(other, 'message')) as [{ localPort: number }];
    await until('the leak of the other program', () => kernelRow(port, localPort)?.state === CLOSE_WAIT);

    // One of ours, later than it: once that is found, the guard has had its time for the other.
    let accepted: Socket | undefined;
    server.removeAllListeners('connection').on('connection', (socket) => (accepted = socket));
    const client = await stage.connect(port);
    const socket = await until('the connection', () => accepted);
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
      stdio: ['ignore', socket, 'ignore'],
    });
    stage.defer(() => child.kill('SIGKILL'));
    socket.destroy();
    await client.halfClose();
    await until('the leak of ours', () => seen.leaks.some(({ remotePort }) => remotePort === client.port));
    expect(kernelRow(port, localPort)?.state).toBe(CLOSE_WAIT);
    expect(seen.leaks.map(({ remotePort }) => remotePort)).toEqual([client.port]);
  });

  it('was accepted here, also where the listener sends it away at once', async () => {
    const seen = guarded();
    const child = start('keeps-sockets.mjs');
    await once(child, 'message');
    const port = await sendEach(child);
    const client = await stage.connect(port);
    await until('the child to have it', () => holds(child, kernelRow(port, client.port)?.inode ?? 0));
    // What is not read keeps the child from seeing the end.
    client.say('hello');
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ side: 'inbound', kind: 'close-wait', remotePort: client.port });
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });

  it('was accepted here, also where the child never takes it', async () => {
    const seen = guarded();
    const child = start('keeps-sockets.mjs', 'busy');
    await once(child, 'message');
    const port = await sendEach(child);
    const client = await stage.visit(port, 'hello');
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ side: 'inbound', kind: 'close-wait', cause: 'detached-handle' });
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });

  it('was accepted here, also where the listener starts a child on it and closes it at once', async () => {
    const seen = guarded();
    const children: ChildProcess[] = [];
    const server = net.createServer((socket) => {
      const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], {
        stdio: ['ignore', socket, 'ignore'],
      });
      stage.defer(() => child.kill('SIGKILL'));
      children.push(child);
      socket.destroy();
    });
    const port = await stage.listen(server);
    const client = await stage.connect(port);
    const child = await until('the child', () => children[0]);
    await client.halfClose();
    const leak = await until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));
    expect(leak).toMatchObject({ side: 'inbound', cause: 'held-by-another-process', remotePort: client.port });
    expect(holds(child, kernelRow(port, client.port)?.inode ?? 0)).toBe(true);
  });
});
