import { fork, spawn, type ChildProcess, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { CLOSE_WAIT, kernelRow, openFds } from '../../support/kernel-view.js';
import { environmentOfAUser, programs } from '../../support/programs.js';
import { follow, QUICK } from '../../support/reports.js';
import { stageOfEachTest, type Client } from '../../support/stage.js';
import { until } from '../../support/until.js';

const stage = stageOfEachTest();

function guarded(): ReturnType<typeof follow> {
  const guard = createGuard(QUICK);
  stage.defer(() => guard.close());
  return follow(guard);
}

function start(program: string, args: readonly string[] = [], options: ForkOptions = {}): ChildProcess {
  const child = fork(path.join(programs, program), args, {
    ...{ stdio: 'ignore', env: environmentOfAUser(), execArgv: [] },
    ...options,
  });
  stage.defer(() => child.kill('SIGKILL'));
  return child;
}

/** A paused connection of a listener of ours. */
async function connection(): Promise<{ port: number; client: Client; accepted: Socket }> {
  let accepted: Socket | undefined;
  const server = net.createServer({ pauseOnConnect: true }, (socket) => (accepted = socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // Nobody waits for its 'close': Node never emits that when a child died with a socket it was sent.
  stage.defer(() => {
    accepted?.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const client = await stage.connect(port);
  return { port, client, accepted: await until('the connection', () => accepted) };
}

function holds(pid: number | 'self', port: number, client: Client): boolean {
  const inode = kernelRow(port, client.port)?.inode;
  return [...openFds(pid).values()].includes(`socket:[${inode}]`);
}

const leakOn = (seen: ReturnType<typeof follow>, port: number) =>
  until('the leak', () => seen.leaks.find(({ localPort }) => localPort === port));

describe('a socket that came from another process is inbound, and the report says from which', () => {
  it('sent by the parent', async () => {
    const child = start('guarded-child.mjs', [JSON.stringify(QUICK)]);
    await once(child, 'message');
    const { port, client, accepted } = await connection();
    child.send('take this', accepted);
    await until('the child to have it', () => holds(child.pid!, port, client));
    client.say('hello');
    await client.halfClose();
    const [told] = (await once(child, 'message')) as [{ explanation: string }];
    expect(told).toMatchObject({ remotePort: client.port, side: 'inbound', cause: 'never-read' });
    expect(told.explanation).toContain(
      `the connection from 127.0.0.1:${client.port} received from process ${process.pid} (`,
    );
  });

  it('given by the parent as standard input', async () => {
    const { port, client, accepted } = await connection();
    const child = start('guarded-child.mjs', [JSON.stringify(QUICK), 'stdin'], {
      stdio: [accepted, 'ignore', 'ignore', 'ipc'],
    });
    await once(child, 'message');
    accepted.destroy();
    client.say('hello');
    await client.halfClose();
    const [told] = (await once(child, 'message')) as [{ explanation: string }];
    expect(told).toMatchObject({ remotePort: client.port, side: 'inbound' });
    expect(told.explanation).toContain(`received from process ${process.pid} (`);
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });

  it('sent by a child', async () => {
    const seen = guarded();
    const child = start('gives-sockets.mjs');
    const kept: unknown[] = [];
    child.on('message', (_, handle) => kept.push(handle));
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    const client = await stage.visit(port, 'hello');
    const leak = await leakOn(seen, port);
    expect(leak).toMatchObject({ side: 'inbound', cause: 'never-read', remotePort: client.port });
    expect(leak.explanation).toContain(`received from process ${child.pid} (node gives-sockets.mjs)`);
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });
});

describe('a socket that went to another process', () => {
  it('was sent there, where the child has it at an fd that it was not started with', async () => {
    const seen = guarded();
    const child = start('keeps-sockets.mjs');
    await once(child, 'message');
    const { port, client, accepted } = await connection();
    child.send('take', accepted);
    await until('it to be there alone', () => holds(child.pid!, port, client) && !holds('self', port, client));
    client.say('hello');
    await client.halfClose();
    const leak = await leakOn(seen, port);
    const there = `process ${child.pid} (node keeps-sockets.mjs)`;
    expect(leak).toMatchObject({ cause: 'held-by-another-process', side: 'inbound' });
    expect(leak.explanation).toContain(` was sent to ${there}, closed here, and is still open there`);
    expect(leak.fix).toContain(`socket.destroy() there`);
  });

  it('was given as stdio, where it has it at one of those', async () => {
    const seen = guarded();
    const { port, client, accepted } = await connection();
    const child = spawn('sleep', ['60'], { stdio: ['ignore', accepted, 'ignore'] });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'spawn');
    accepted.destroy();
    await client.halfClose();
    const leak = await leakOn(seen, port);
    expect(leak.explanation).toContain(` was given as stdio to process ${child.pid} (sleep), closed here,`);
    // The fix.
    child.kill();
    await until('the release', () => seen.released.some(({ id }) => id === leak.id));
    expect(holds('self', port, client)).toBe(false);
  });

  it('is nothing but still open there, where a process has it that this one has not started', async () => {
    const seen = guarded();
    const { port, client, accepted } = await connection();
    const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore', accepted] });
    stage.defer(() => child.kill('SIGKILL'));
    const [printed] = (await once(child.stdout!, 'data')) as [Buffer];
    const pid = Number(printed.toString());
    stage.defer(() => process.kill(pid, 'SIGKILL'));
    accepted.destroy();
    child.kill('SIGKILL');
    await once(child, 'exit');
    await client.halfClose();
    const leak = await leakOn(seen, port);
    expect(leak.explanation).toContain(` is closed here and still open in process ${pid} (sleep)`);
    expect(holds(pid, port, client)).toBe(true);
  });

  it('was sent to a child that never takes it: its fd is here, and with the fix it is not', async () => {
    const seen = guarded();
    const child = start('keeps-sockets.mjs', ['busy']);
    await once(child, 'message');
    const { port, client, accepted } = await connection();
    child.send('take', accepted);
    client.say('hello');
    await client.halfClose();
    const leak = await leakOn(seen, port);
    const there = `process ${child.pid} (node keeps-sockets.mjs)`;
    expect(leak).toMatchObject({ cause: 'detached-handle', side: 'inbound' });
    expect(leak.explanation).toContain(` was sent to ${there}, which has not taken it, and its fd is still open here`);
    expect(leak.fix).toContain(`Find what blocks the event loop of ${there}, or end it;`);
    expect(holds('self', port, client)).toBe(true);

    const other = start('keeps-sockets.mjs', ['busy']);
    await once(other, 'message');
    const fixed = await connection();
    other.send('take', fixed.accepted, { keepOpen: true }, () => fixed.accepted.destroy());
    fixed.client.say('hello');
    await fixed.client.halfClose();
    await until('no fd of it here', () => !holds('self', fixed.port, fixed.client));
    other.kill('SIGKILL');
    await until('it to be closed', () => kernelRow(fixed.port, fixed.client.port) === undefined);
  });

  it('with keepOpen is open in both: it is to be destroyed here when it is sent', async () => {
    const seen = guarded();
    const child = start('keeps-sockets.mjs');
    await once(child, 'message');
    const { port, client, accepted } = await connection();
    child.send('take', accepted, { keepOpen: true });
    await until('the child to have it', () => holds(child.pid!, port, client));
    client.say('hello');
    await client.halfClose();
    const leak = await leakOn(seen, port);
    const there = `process ${child.pid} (node keeps-sockets.mjs)`;
    expect(leak).toMatchObject({ cause: 'paused', side: 'inbound', server: `net:${port}` });
    expect(leak.explanation).toContain(
      `sent to ${there} was accepted paused (pauseOnConnect) and has not been resumed`,
    );
    expect(leak.fix).toBe(
      `Call socket.destroy() in the callback of child.send(…, { keepOpen: true }): ${there} has the socket, and reading it here would take its bytes.`,
    );
    expect([holds('self', port, client), holds(child.pid!, port, client)]).toEqual([true, true]);

    const fixed = await connection();
    child.send('take', fixed.accepted, { keepOpen: true }, () => fixed.accepted.destroy());
    await until('the child alone to have it', () => !holds('self', fixed.port, fixed.client));
    expect(holds(child.pid!, fixed.port, fixed.client)).toBe(true);
  });
});
