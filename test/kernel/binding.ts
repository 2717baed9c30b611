import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import path from 'node:path';
import { addonFile } from '../support/programs.js';
import { DUMP_FIELDS, RECORD_FIELDS, type NativeBinding } from '../../src/kernel/native.js';

export const root = path.resolve(import.meta.dirname, '../..');

const require = createRequire(import.meta.url);

/** The raw addon: these tests are about the binary, not about the TypeScript above it. */
export const binding = require(addonFile) as NativeBinding;

export const ENDPOINT_BYTES = binding.endpointBytes;

export const State = { ESTABLISHED: 1, FIN_WAIT2: 5, CLOSE: 7, CLOSE_WAIT: 8, LISTEN: 10 } as const;

type Row<Field extends string> = Record<Field, number> & { readonly cookie: bigint };
export type SocketRow = Row<(typeof RECORD_FIELDS)[number]>;
export type DumpRow = Row<(typeof DUMP_FIELDS)[number]>;

function rows<Field extends string>(fields: readonly Field[], values: Float64Array, cookies: BigUint64Array) {
  return Array.from(cookies, (cookie, row) => {
    const columns = fields.map((field, column) => [field, values[row * fields.length + column]]);
    return { ...Object.fromEntries(columns), cookie } as Row<Field>;
  });
}

export function readAll(fds: readonly number[]): { readonly read: number; readonly rows: SocketRow[] } {
  const values = new Float64Array(fds.length * RECORD_FIELDS.length).fill(NaN);
  const cookies = new BigUint64Array(fds.length).fill(99n);
  const read = binding.readSockets(Int32Array.from(fds), fds.length, values, cookies);
  return { read, rows: rows(RECORD_FIELDS, values, cookies) };
}

export function readOne(fd: number): SocketRow {
  return readAll([fd]).rows[0]!;
}

export function dump(states: readonly number[], ports: readonly number[] = [], withInfo = false): DumpRow[] {
  const mask = states.reduce((bits, state) => bits | (1 << state), 0);
  const capacity = 65_536;
  const values = new Float64Array(capacity * DUMP_FIELDS.length);
  const cookies = new BigUint64Array(capacity);
  const count = binding.dumpSockets(mask, Uint16Array.from(ports), values, cookies, undefined, withInfo);
  if (count > capacity) throw new Error(`${count} sockets on this machine: too many for this test`);
  return rows(DUMP_FIELDS, values, cookies.subarray(0, count));
}

export function listTcpFds(from = 0, to = binding.fdTableSize(), capacity = 1024) {
  const fds = new Int32Array(capacity);
  const cookies = new BigUint64Array(capacity);
  const count = binding.listTcpFds(from, to, fds, cookies);
  return Array.from(fds.subarray(0, count), (fd, i) => ({ fd, cookie: cookies[i]! }));
}

interface WithFd {
  readonly fd: number;
}

/** The fd of anything with a libuv handle: net.Socket, net.Server, dgram.Socket (which keeps it behind a symbol). */
export function fdOf(owner: object): number {
  const internals = owner as Record<PropertyKey, { readonly handle?: WithFd } | undefined>;
  const state = Object.getOwnPropertySymbols(owner).find(({ description }) => description === 'state symbol');
  const handle = state ? internals[state]?.handle : (internals._handle as WithFd | undefined);
  if (!handle) throw new Error('no handle: it is closed');
  return handle.fd;
}

/** Both ports of a connection, from the end that `socket` is. */
export function portsOf(socket: Socket): readonly [local: number, remote: number] {
  if (socket.localPort === undefined || socket.remotePort === undefined) throw new Error('not connected');
  return [socket.localPort, socket.remotePort];
}
