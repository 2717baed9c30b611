import dgram from 'node:dgram';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import net from 'node:net';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { DUMP_FIELDS, LAYOUT_VERSION, RECORD_FIELDS } from '../../src/kernel/native.js';
import {
  CLOSE_WAIT,
  ESTABLISHED,
  isListed,
  kernelRow,
  kernelRows,
  LISTEN,
  socketInode,
} from '../support/kernel-view.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';
import { binding, fdOf, portsOf, readAll, readOne, State } from './binding.js';
import { acceptOne, connectPair, type Pair, untilBlocked, visitWhileBlocked } from './pair.js';

const stage = new Stage();
afterEach(() => stage.clear());

/** What a row is when its fd could not be read. */
const failedRow = (errno: number) => ({
  ...Object.fromEntries(RECORD_FIELDS.map((name) => [name, -1])),
  errno,
  cookie: 0n,
});

describe('the layout', () => {
  it('is the one of the typed face', () => {
    expect(binding.layoutVersion).toBe(LAYOUT_VERSION);
    expect(binding.recordFields).toEqual(RECORD_FIELDS);
    expect(binding.dumpFields).toEqual(DUMP_FIELDS);
  });

  it('cannot be changed by who reads it', () => {
    expect(Object.isFrozen(binding.recordFields)).toBe(true);
    expect(Object.isFrozen(binding.dumpFields)).toBe(true);
  });
});

describe('states, with /proc/self/net/tcp as the oracle', () => {
  it('reads an open connection as ESTABLISHED', async () => {
    const { socket, fd } = await connectPair(stage);
    expect(kernelRow(...portsOf(socket))?.state).toBe(ESTABLISHED);
    expect(readOne(fd)).toMatchObject({ errno: 0, state: State.ESTABLISHED, unreadBytes: 0, unsentBytes: 0 });
  });

  it('reads a connection whose peer sent its FIN as CLOSE_WAIT; an unread FIN is no unread byte', async () => {
    const { socket, fd, client } = await connectPair(stage);
    await client.halfClose();
    expect(kernelRow(...portsOf(socket))).toMatchObject({ state: CLOSE_WAIT, receiveQueue: 1 });
    expect(readOne(fd)).toMatchObject({ errno: 0, state: State.CLOSE_WAIT, unreadBytes: 0 });
  });

  it('reads a connection that the peer reset as CLOSE, though no TCP table lists it', async () => {
    const { fd, client } = await connectPair(stage);
    const inode = socketInode(fd)!;
    const { cookie } = readOne(fd);
    expect(isListed(inode)).toBe(true);
    await client.reset();
    expect(isListed(inode)).toBe(false);
    expect(socketInode(fd)).toBe(inode);
    expect(readOne(fd)).toMatchObject({ errno: 0, state: State.CLOSE, cookie });
  });
});

describe('what a connection has received and sent', () => {
  it('counts unread bytes without the FIN, where the kernel table counts 1 more', async () => {
    const { socket, fd, client } = await connectPair(stage);
    client.say('12345');
    await client.halfClose();
    expect(readOne(fd)).toMatchObject({ state: State.CLOSE_WAIT, unreadBytes: 5, bytesReceived: 6 });
    expect(kernelRow(...portsOf(socket))?.receiveQueue).toBe(6);
  });

  it('holds bytesReceived - 1 == bytesRead + unreadBytes in CLOSE_WAIT', async () => {
    const { socket, fd, client } = await connectPair(stage);
    socket.once('data', () => socket.pause());
    socket.resume();
    client.say('first');
    await until('the first bytes to be read', () => socket.bytesRead === 5);
    // More than the stream buffers once paused (its high-water mark), less than fills the receive window.
    client.say('x'.repeat(100_000));
    await client.halfClose();
    const row = readOne(fd);
    expect(row.state).toBe(State.CLOSE_WAIT);
    expect(row.unreadBytes).toBeGreaterThan(0);
    expect(socket.bytesRead).toBeGreaterThanOrEqual(5);
    expect(row.bytesReceived - 1).toBe(socket.bytesRead + row.unreadBytes);
    expect(row.bytesReceived - 1).toBe(100_005);
  });

  it('tells a stalled reader: ESTABLISHED, window closed, unread bytes as the kernel table has them', async ({
    skip,
  }) => {
    const { socket, fd, client } = await connectPair(stage);
    const open = readOne(fd).receiveWindow;
    skip(open === -1, 'this kernel has no tcpi_rcv_wnd (before Linux 6.2)');
    expect(open).toBeGreaterThan(0);
    client.say(Buffer.alloc(16 << 20));
    const row = await until('the receive window to close', () => {
      const now = readOne(fd);
      return now.receiveWindow === 0 ? now : undefined;
    });
    expect(row.state).toBe(State.ESTABLISHED);
    expect(row.unreadBytes).toBeGreaterThan(60_000);
    await until('both views to agree', () => kernelRow(...portsOf(socket))?.receiveQueue === readOne(fd).unreadBytes);
  });

  it('counts bytes that the peer has acknowledged, and those it has not', async () => {
    const { socket, fd, client } = await connectPair(stage);
    const before = readOne(fd);
    socket.write('x'.repeat(1234));
    await until('the client to acknowledge', () => readOne(fd).bytesAcked === before.bytesAcked + 1234);
    expect(readOne(fd).unsentBytes).toBe(0);

    client.socket.pause();
    socket.write(Buffer.alloc(16 << 20));
    await until('the client window to close', () => {
      const { unsentBytes } = readOne(fd);
      return unsentBytes > 100_000 && unsentBytes === kernelRow(...portsOf(socket))?.sendQueue;
    });
  });

  it('tells the ages apart: data received long ago, data sent lately, the FIN (an ACK) just now', async () => {
    const { socket, fd, client } = await connectPair(stage);
    client.say('data');
    await until('the data', () => readOne(fd).unreadBytes === 4);
    await until('100 ms to pass since', () => readOne(fd).lastDataRecvMs >= 100);
    socket.write('answer');
    await until('the answer to be acknowledged', () => readOne(fd).lastAckRecvMs < 100);
    const sent = readOne(fd);
    expect(sent.lastDataSentMs).toBeLessThan(sent.lastDataRecvMs);
    await until('100 ms to pass since that', () => readOne(fd).lastAckRecvMs >= 100);
    await client.halfClose();
    const row = readOne(fd);
    expect(row.state).toBe(State.CLOSE_WAIT);
    expect(row.lastAckRecvMs).toBeLessThan(row.lastDataSentMs);
    expect(row.lastDataSentMs).toBeLessThan(row.lastDataRecvMs);
    expect(row.lastDataRecvMs).toBeLessThan(20_000);
  });
});

describe('listeners', () => {
  it('have an accept queue and a backlog, and nothing of a connection', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    stage.defer(() => server.close());
    server.listen({ port: 0, host: '127.0.0.1', backlog: 37 });
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    const accepted: net.Socket[] = [];
    server.on('connection', (socket) => accepted.push(socket));
    stage.defer(() => accepted.forEach((socket) => socket.destroy()));

    const empty = { errno: 0, state: State.LISTEN, acceptQueue: 0, backlog: 37, unreadBytes: -1, unsentBytes: -1 };
    expect(readOne(fdOf(server))).toMatchObject(empty);

    visitWhileBlocked(port, 5);
    untilBlocked('five connections in the accept queue', () => readOne(fdOf(server)).acceptQueue === 5);
    const listening = kernelRows().find((row) => row.localPort === port && row.state === LISTEN);
    expect(listening?.receiveQueue).toBe(5);
    expect(readOne(fdOf(server))).toMatchObject({ ...empty, acceptQueue: 5 });
    expect(readOne(fdOf(server))).toMatchObject({
      bytesReceived: -1,
      bytesAcked: -1,
      lastAckRecvMs: -1,
      receiveWindow: -1,
    });

    await until('all to be accepted', () => accepted.length === 5);
    expect(readOne(fdOf(server))).toMatchObject(empty);
  });

  it('are told from connections, which have no accept queue', async () => {
    const { fd } = await connectPair(stage);
    expect(readOne(fd)).toMatchObject({ acceptQueue: -1, backlog: -1 });
  });
});

describe('fds that are no TCP socket', () => {
  const { EBADF, ENOTSOCK, EPROTONOSUPPORT } = constants.errno;

  it.each([-1, -(2 ** 31), 2 ** 31 - 1, 1 << 20])('%i is a row with EBADF', (fd) => {
    expect(readAll([fd])).toEqual({ read: 0, rows: [failedRow(EBADF)] });
  });

  it('a file is a row with ENOTSOCK, and EBADF once it is closed', () => {
    const fd = openSync('/dev/null', 'r');
    expect(readOne(fd)).toEqual(failedRow(ENOTSOCK));
    closeSync(fd);
    expect(readOne(fd)).toEqual(failedRow(EBADF));
  });

  it('UDP is a row with EPROTONOSUPPORT', async () => {
    const socket = dgram.createSocket('udp4').bind(0, '127.0.0.1');
    stage.defer(() => socket.close());
    await once(socket, 'listening');
    expect(readOne(fdOf(socket))).toEqual(failedRow(EPROTONOSUPPORT));
  });

  it('a unix socket, listening or connected, is a row with EPROTONOSUPPORT', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'cwg-'));
    stage.defer(() => rmSync(directory, { recursive: true }));
    const server = net.createServer().listen(path.join(directory, 'socket'));
    stage.defer(() => server.close());
    await once(server, 'listening');
    const client = net.connect(path.join(directory, 'socket'));
    stage.defer(() => client.destroy());
    await once(client, 'connect');
    expect(readOne(fdOf(server))).toEqual(failedRow(EPROTONOSUPPORT));
    expect(readOne(fdOf(client))).toEqual(failedRow(EPROTONOSUPPORT));
  });
});

describe('batches', () => {
  it('keep each row with its fd, good and bad mixed', async () => {
    const server = net.createServer({ pauseOnConnect: true });
    const port = await stage.listen(server);
    const pairs: Pair[] = [];
    for (let i = 0; i < 100; i++) pairs.push(await acceptOne(stage, server, port));
    const single = pairs.map(({ fd }) => readOne(fd).cookie);
    expect(new Set(single).size).toBe(100);

    const fds = Array.from({ length: 5000 }, (_, i) => (i % 5 === 4 ? -1 : pairs[i % 100]!.fd));
    const { read, rows } = readAll(fds);
    expect(read).toBe(4000);
    expect(rows.map(({ cookie }) => cookie)).toEqual(fds.map((fd, i) => (fd === -1 ? 0n : single[i % 100])));
    expect(rows.filter(({ errno }) => errno === constants.errno.EBADF)).toHaveLength(1000);
  });

  it('leave everything past `count` alone', async () => {
    const { fd } = await connectPair(stage);
    const values = new Float64Array(2 * RECORD_FIELDS.length).fill(42);
    const cookies = new BigUint64Array(2).fill(42n);
    expect(binding.readSockets(Int32Array.of(fd, fd), 1, values, cookies)).toBe(1);
    expect(cookies[0]).not.toBe(42n);
    expect(cookies[1]).toBe(42n);
    expect([...values.subarray(RECORD_FIELDS.length)]).toEqual(RECORD_FIELDS.map(() => 42));
    expect(binding.readSockets(new Int32Array(0), 0, new Float64Array(0), new BigUint64Array(0))).toBe(0);
  });
});

it('gives a reused fd number a new cookie', async () => {
  const server = net.createServer({ pauseOnConnect: true });
  const port = await stage.listen(server);
  const cookiesByFd = new Map<number, Set<bigint>>();
  let connections = 0;
  await until('an fd number to come back', async () => {
    const { fd, socket, client } = await acceptOne(stage, server, port);
    connections++;
    const { cookie } = readOne(fd);
    expect(readOne(fd).cookie).toBe(cookie);
    cookiesByFd.set(fd, (cookiesByFd.get(fd) ?? new Set()).add(cookie));
    const closed = [once(socket, 'close'), once(client.socket, 'close')];
    socket.destroy();
    client.socket.destroy();
    await Promise.all(closed);
    return connections > cookiesByFd.size;
  });
  const cookies = new Set([...cookiesByFd.values()].flatMap((each) => [...each]));
  expect(cookies.size).toBe(connections);
});
