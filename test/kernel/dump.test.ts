import { once } from 'node:events';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { DUMP_FIELDS } from '../../src/kernel/native.js';
import { kernelRow, socketInode } from '../support/kernel-view.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';
import { binding, ENDPOINT_BYTES, dump, fdOf, portsOf, readOne, State } from './binding.js';
import { acceptOne, connectPair, untilBlocked, visitWhileBlocked } from './pair.js';

const stage = new Stage();
afterEach(() => stage.clear());

describe('a row', () => {
  it('is what the kernel table and the fd say of the same socket', async () => {
    const { socket, fd, client } = await connectPair(stage);
    client.say('12345');
    await client.halfClose();
    const [localPort, remotePort] = portsOf(socket);
    const expected = {
      state: State.CLOSE_WAIT,
      family: 4,
      localPort,
      remotePort,
      inode: socketInode(fd),
      receiveQueue: kernelRow(localPort, remotePort)?.receiveQueue,
      sendQueue: 0,
      uid: process.getuid?.(),
      cookie: readOne(fd).cookie,
      lastAckRecvMs: -1,
      bytesAcked: -1,
      bytesReceived: -1,
      lastDataSentMs: -1,
      lastDataRecvMs: -1,
      receiveWindow: -1,
      memoryBytes: -1,
    };
    expect(expected.receiveQueue).toBe(6);
    expect(dump([State.CLOSE_WAIT], [localPort])).toEqual([expected]);

    // With TCP_INFO when asked: here, what the fd itself says.
    const { bytesAcked, bytesReceived, receiveWindow } = readOne(fd);
    const [row] = dump([State.CLOSE_WAIT], [localPort], true);
    const times = ['lastAckRecvMs', 'lastDataSentMs', 'lastDataRecvMs'] as const;
    const informed = { ...expected, bytesAcked, bytesReceived, receiveWindow, memoryBytes: expect.any(Number) };
    expect({ ...row, ...Object.fromEntries(times.map((name) => [name, -1])) }).toEqual(informed);
    for (const name of times) expect(Math.abs(row![name] - readOne(fd)[name])).toBeLessThan(1000);
    // The five bytes and the FIN are in one buffer of the kernel's at least.
    expect(row!.memoryBytes).toBeGreaterThan(5);
    // A FIN counts as one.
    expect(bytesReceived).toBe(6);
  });

  it('of an IPv6 socket has family 6', async ({ skip }) => {
    skip(!existsSync('/proc/net/if_inet6'), 'this kernel has no IPv6');
    const { socket, fd } = await connectPair(stage, { host: '::1' });
    const [localPort] = portsOf(socket);
    const { cookie } = readOne(fd);
    // Another program may have the same port number over IPv4.
    const rows = dump([State.ESTABLISHED], [localPort]).filter((row) => row.cookie === cookie);
    expect(rows).toMatchObject([{ family: 6, localPort }]);
  });

  it('of a listener has its accept queue and backlog as queues', async () => {
    const server = net.createServer();
    stage.defer(() => server.close());
    server.listen({ port: 0, host: '127.0.0.1', backlog: 41 });
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    expect(dump([State.LISTEN], [port])).toMatchObject([{ receiveQueue: 0, sendQueue: 41, remotePort: 0 }]);
  });
});

describe('the endpoints of a dump', () => {
  /** Of the only socket on `port` in `state`, with a canary behind it. */
  function dumpEndpoints(state: number, port: number): Uint8Array {
    const packed = new Uint8Array(2 * ENDPOINT_BYTES).fill(0xee);
    const values = new Float64Array(DUMP_FIELDS.length);
    expect(
      binding.dumpSockets(
        1 << state,
        Uint16Array.of(port),
        values,
        new BigUint64Array(1),
        packed.subarray(0, ENDPOINT_BYTES),
      ),
    ).toBe(1);
    expect([...packed.subarray(ENDPOINT_BYTES)]).toEqual(Array(ENDPOINT_BYTES).fill(0xee));
    return packed.subarray(0, ENDPOINT_BYTES);
  }

  function readEndpoints(fd: number): Uint8Array {
    const packed = new Uint8Array(ENDPOINT_BYTES);
    expect(binding.readEndpoints(Int32Array.of(fd), 1, packed)).toBe(1);
    return packed;
  }

  it.for([
    ['IPv4', '127.0.0.1', '127.0.0.1', 4],
    ['IPv6', '::1', '::1', 6],
    ['IPv4-mapped', '::', '127.0.0.1', 4],
    ['IPv4-mapped, its listener too', '::ffff:127.0.0.1', '127.0.0.1', 4],
  ] as const)('are what readEndpoints() says: %s', async ([, listenOn, connectTo, family], { skip }) => {
    skip(listenOn.includes(':') && !existsSync('/proc/net/if_inet6'), 'this kernel has no IPv6');
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const port = await stage.listen(server, listenOn);
    const { fd, client } = await acceptOne(stage, server, port, connectTo);
    const packed = dumpEndpoints(State.ESTABLISHED, port);
    expect(packed[0]).toBe(family);
    expect(packed).toEqual(readEndpoints(fd));
    expect(dumpEndpoints(State.LISTEN, port)).toEqual(readEndpoints(fdOf(server)));
    await client.halfClose();
    expect(dumpEndpoints(State.CLOSE_WAIT, port)).toEqual(packed);
  });
});

describe('the family asked for', () => {
  const wanted = (family: number | undefined, port: number): number => {
    const [values, cookies] = [new Float64Array(64 * DUMP_FIELDS.length), new BigUint64Array(64)];
    return binding.dumpSockets(1 << State.LISTEN, Uint16Array.of(port), values, cookies, undefined, false, family);
  };

  it.for([
    ['an IPv4 listener', '127.0.0.1', 1, 0],
    ['a listener on ::, IPv4-mapped connections included', '::', 0, 1],
  ] as const)('keeps to %s', async ([, host, of4, of6], { skip }) => {
    skip(host === '::' && !existsSync('/proc/net/if_inet6'), 'this kernel has no IPv6');
    const port = await stage.listen(net.createServer(), host);
    expect([wanted(4, port), wanted(6, port), wanted(undefined, port)]).toEqual([of4, of6, 1]);
  });
});

describe('sockets that no fd of this process holds', () => {
  it('in an accept queue, their clients gone: CLOSE_WAIT with inode 0', async () => {
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const accepted: net.Socket[] = [];
    server.on('connection', (socket) => accepted.push(socket));
    const port = await stage.listen(server);
    visitWhileBlocked(port, 7);
    untilBlocked('seven FINs', () => dump([State.CLOSE_WAIT], [port]).length === 7);
    expect(dump([State.CLOSE_WAIT], [port]).map(({ inode }) => inode)).toEqual(Array(7).fill(0));
    const waiting = dump([State.CLOSE_WAIT], [port]).map(({ cookie }) => cookie);

    await until('all to be accepted', () => accepted.length === 7);
    const inodes = dump([State.CLOSE_WAIT], [port]).map(({ inode }) => inode);
    expect(new Set(inodes)).toEqual(new Set(accepted.map((socket) => socketInode(fdOf(socket)))));
    // Being accepted does not change who a socket is.
    expect(new Set(waiting)).toEqual(new Set(accepted.map((socket) => readOne(fdOf(socket)).cookie)));
  });

  it('orphaned in FIN_WAIT_2 because the other end does not close: inode 0', async () => {
    const { client } = await connectPair(stage);
    const { port } = client;
    const { cookie } = readOne(fdOf(client.socket));
    await client.close();
    const orphan = await until('the orphan', () => {
      const rows = dump([State.FIN_WAIT2], [port]);
      return rows.find((row) => row.inode === 0 && row.localPort === port);
    });
    expect(orphan).toMatchObject({
      state: State.FIN_WAIT2,
      inode: 0,
      localPort: port,
      remotePort: client.serverPort,
      cookie,
    });
  });
});

describe('what is asked for', () => {
  it('states: only those in the mask', async () => {
    const { socket, client } = await connectPair(stage);
    const [port] = portsOf(socket);
    expect(dump([State.ESTABLISHED], [port])).toHaveLength(1);
    expect(dump([State.CLOSE_WAIT], [port])).toEqual([]);
    await client.halfClose();
    expect(dump([State.ESTABLISHED], [port])).toEqual([]);
    expect(
      dump([State.CLOSE_WAIT, State.ESTABLISHED, State.LISTEN], [port])
        .map(({ state }) => state)
        .sort(),
    ).toEqual([State.LISTEN, State.CLOSE_WAIT]);
    expect(dump([], [port])).toEqual([]);
  });

  it('ports: local ones, any number of them; none means all', async () => {
    const one = await connectPair(stage);
    const other = await connectPair(stage);
    const ports = [portsOf(one.socket)[0], portsOf(other.socket)[0]] as const;
    const localPorts = (...wanted: number[]) => dump([State.ESTABLISHED], wanted).map(({ localPort }) => localPort);
    expect(localPorts(ports[0])).toEqual([ports[0]]);
    expect(new Set(localPorts(...ports))).toEqual(new Set(ports));
    expect(localPorts(one.client.port)).toEqual([one.client.port]);
    expect(localPorts(...Array.from({ length: 65536 }, (_, port) => port))).toEqual(expect.arrayContaining([...ports]));
    expect(localPorts()).toEqual(expect.arrayContaining([...ports, one.client.port, other.client.port]));
  });
});

it('returns how many there are even when the arrays hold fewer, and writes only what fits', async () => {
  const server = net.createServer({ pauseOnConnect: true });
  const port = await stage.listen(server);
  for (let i = 0; i < 300; i++) await stage.connect(port);
  await until('all to be accepted', () => dump([State.ESTABLISHED], [port]).length === 300);
  const into = (capacity: number, spare = 0) => {
    const values = new Float64Array(capacity * DUMP_FIELDS.length + spare).fill(-7);
    const cookies = new BigUint64Array(capacity + spare).fill(7n);
    return {
      count: binding.dumpSockets(1 << State.ESTABLISHED, Uint16Array.of(port), values, cookies),
      values,
      cookies,
    };
  };
  expect(into(0).count).toBe(300);
  const few = into(10, 5);
  expect(few.count).toBe(300);
  expect([...few.values.subarray(-5)]).toEqual([-7, -7, -7, -7, -7]);
  expect([...few.cookies.subarray(10)]).toEqual([7n, 7n, 7n, 7n, 7n]);
  expect(few.cookies.subarray(0, 10)).not.toContain(7n);
  expect(new Set(into(300).cookies).size).toBe(300);
});
