import net from 'node:net';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { packEndpoints, localPortOf, unpackEndpoints } from '../../src/kernel/endpoints.js';
import { ENDPOINT_FIELDS, type EndpointOffsets, type NativeBinding } from '../../src/kernel/native.js';
import { Stage } from '../support/stage.js';
import { binding, ENDPOINT_BYTES, fdOf, portsOf } from './binding.js';
import { acceptOne, connectPair } from './pair.js';

const stage = new Stage();
afterEach(() => stage.clear());

function readEndpoints(fd: number) {
  const packed = new Uint8Array(ENDPOINT_BYTES).fill(0xee);
  const read = binding.readEndpoints(Int32Array.of(fd), 1, packed);
  const view = new DataView(packed.buffer);
  const family = packed[LAYOUT.family]!;
  return {
    read,
    family,
    localPort: view.getUint16(LAYOUT.localPort, true),
    remotePort: view.getUint16(LAYOUT.remotePort, true),
    localAddress: family && binding.formatAddress(packed, LAYOUT.localAddress, family),
    remoteAddress: family && binding.formatAddress(packed, LAYOUT.remoteAddress, family),
    reserved: [packed[1], packed[6], packed[7]],
    packed,
  };
}

// Written out once, here, so that a part that moves is seen.
const LAYOUT = { family: 0, localPort: 2, remotePort: 4, localAddress: 8, remoteAddress: 24 } as const;

const loopback4 = { family: 4, localAddress: '127.0.0.1', remoteAddress: '127.0.0.1' };
const noIpv6 = !existsSync('/proc/net/if_inet6');

describe('endpoints', () => {
  it('of an IPv4 connection, from either end', async () => {
    const { socket, fd, client } = await connectPair(stage);
    const [localPort, remotePort] = portsOf(socket);
    expect(localPort).not.toBe(remotePort);
    expect(readEndpoints(fd)).toMatchObject({ ...loopback4, read: 1, localPort, remotePort, reserved: [0, 0, 0] });
    expect(readEndpoints(fdOf(client.socket))).toMatchObject({
      ...loopback4,
      localPort: remotePort,
      remotePort: localPort,
    });
  });

  it('of an IPv6 connection', async ({ skip }) => {
    skip(noIpv6, 'this kernel has no IPv6');
    const { socket, fd } = await connectPair(stage, { host: '::1' });
    const [localPort, remotePort] = portsOf(socket);
    const expected = { family: 6, localAddress: '::1', remoteAddress: '::1', localPort, remotePort };
    expect(readEndpoints(fd)).toMatchObject(expected);
  });

  it('of an IPv4 connection to an IPv6 listener (::ffff:127.0.0.1) are IPv4', async ({ skip }) => {
    skip(noIpv6, 'this kernel has no IPv6');
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const port = await stage.listen(server, '::');
    const { socket, fd } = await acceptOne(stage, server, port, '127.0.0.1');
    expect(socket.remoteAddress).toBe('::ffff:127.0.0.1');
    const endpoints = readEndpoints(fd);
    expect(endpoints).toMatchObject({ ...loopback4, localPort: port, remotePort: socket.remotePort });
    // Nothing of the mapped form is left behind the four bytes.
    expect([...endpoints.packed.subarray(12, 24), ...endpoints.packed.subarray(28, 40)]).toEqual(Array(24).fill(0));
    expect(readEndpoints(fdOf(server))).toMatchObject({
      family: 6,
      localAddress: '::',
      localPort: port,
      remotePort: 0,
    });
  });

  it('of a listener: no peer', async () => {
    const { server, client } = await connectPair(stage);
    const expected = { family: 4, localAddress: '127.0.0.1', localPort: client.serverPort, remotePort: 0 };
    expect(readEndpoints(fdOf(server))).toMatchObject({ ...expected, remoteAddress: '0.0.0.0' });
  });

  it('of a half-closed connection, and of one that was reset, though getpeername(2) refuses: both', async () => {
    const { fd, client } = await connectPair(stage);
    const { port } = client;
    await client.halfClose();
    expect(readEndpoints(fd)).toMatchObject({ ...loopback4, remotePort: port });
    const other = await connectPair(stage);
    await other.client.reset();
    expect(readEndpoints(other.fd)).toMatchObject({ ...loopback4, read: 1, remotePort: other.client.port });
  });

  it('of an IPv6 connection that was reset', async ({ skip }) => {
    skip(noIpv6, 'this kernel has no IPv6');
    const { fd, client } = await connectPair(stage, { host: '::1' });
    await client.reset();
    expect(readEndpoints(fd)).toMatchObject({ family: 6, remoteAddress: '::1', remotePort: client.port });
  });

  it('of what is no TCP socket: all zero, and not counted', async () => {
    const { fd } = await connectPair(stage);
    expect(readEndpoints(-1)).toMatchObject({ read: 0, packed: new Uint8Array(ENDPOINT_BYTES) });
    const packed = new Uint8Array(3 * ENDPOINT_BYTES).fill(0xee);
    expect(binding.readEndpoints(Int32Array.of(fd, 0x7fffffff, fd), 3, packed)).toBe(2);
    const [first, second, third] = [0, 1, 2].map((i) => [
      ...packed.subarray(i * ENDPOINT_BYTES, (i + 1) * ENDPOINT_BYTES),
    ]);
    expect(second).toEqual(Array(ENDPOINT_BYTES).fill(0));
    expect(first).toEqual(third);
    expect(first![0]).toBe(4);
  });
});

describe('the layout of packed endpoints', () => {
  it('is exported by the addon, and cannot be changed', () => {
    expect(binding.endpointOffsets).toEqual(LAYOUT);
    expect(binding.endpointBytes).toBe(40);
    expect(Object.keys(binding.endpointOffsets)).toEqual(ENDPOINT_FIELDS);
    expect(Object.isFrozen(binding.endpointOffsets)).toBe(true);
  });

  it('is what TypeScript reads by: it knows no offset of its own', async () => {
    const { socket, fd } = await connectPair(stage);
    const [localPort, remotePort] = portsOf(socket);
    const [packed] = packEndpoints(binding, Int32Array.of(fd), 1);
    const expected = { localAddress: '127.0.0.1', localPort, remoteAddress: '127.0.0.1', remotePort };
    expect(unpackEndpoints(binding, packed!)).toEqual(expected);

    // The same bytes where another binary might put them.
    const endpointOffsets: EndpointOffsets = {
      remoteAddress: 3,
      localAddress: 20,
      remotePort: 37,
      localPort: 40,
      family: 47,
    };
    const other: NativeBinding = { ...binding, endpointOffsets, endpointBytes: 48 };
    const moved = new Uint8Array(other.endpointBytes);
    for (const [field, size] of [
      ['family', 1],
      ['localPort', 2],
      ['remotePort', 2],
      ['localAddress', 16],
      ['remoteAddress', 16],
    ] as const) {
      moved.set(packed!.subarray(LAYOUT[field], LAYOUT[field] + size), endpointOffsets[field]);
    }
    expect(unpackEndpoints(other, moved)).toEqual(expected);
    expect(localPortOf(other, moved)).toBe(localPort);
  });
});

describe('formatAddress', () => {
  const slot = (...bytes: number[]) => Uint8Array.from({ length: 16 }, (_, i) => bytes[i] ?? 0);

  it.each([
    ['127.0.0.1', 4, slot(127, 0, 0, 1)],
    ['255.255.255.255', 4, slot(255, 255, 255, 255)],
    ['0.0.0.0', 4, slot()],
    ['10.0.0.7', 4, slot(10, 0, 0, 7, 9, 9, 9)],
    ['::', 6, slot()],
    ['::1', 6, slot(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
    ['2001:db8::ff00:42:8329', 6, slot(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 0x42, 0x83, 0x29)],
    ['::ffff:192.0.2.1', 6, slot(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 1)],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 6, slot().fill(255)],
  ])('%s', (text, family, address) => {
    expect(binding.formatAddress(address, 0, family)).toBe(text);
    const middle = new Uint8Array(40).fill(0xee);
    middle.set(address, 24);
    expect(binding.formatAddress(middle, 24, family)).toBe(text);
  });
});
