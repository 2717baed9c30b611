import { TcpState } from '../../base/tcp-states.js';
import { fileOf } from '../attach/process-files.js';
import { NO_PROGRESS, queuesOf, type InspectedSocket } from './socket.js';

/** A row of /proc/PID/net/tcp or tcp6 (proc_net_tcp in the kernel's documentation). */
export interface TableRow {
  readonly inode: number;
  readonly uid: number;
  readonly state: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly receiveQueue: number;
  readonly sendQueue: number;
}

/**
 * The TCP sockets of a process's network namespace as its /proc tells them to everybody: without times, byte counts and windows. For
 * where sock_diag(7) is refused, or may not be asked in that namespace. Undefined where /proc does not tell either.
 */
export function tablesOf(pid: number): TableRow[] | undefined {
  const [v4, v6] = ['net/tcp', 'net/tcp6'].map((name) => fileOf(pid, name));
  if (v4 === undefined && v6 === undefined) return undefined;
  // The kernel writes a table in pieces, and repeats rows where others open sockets meanwhile.
  const rows = [v4, v6].flatMap((text) => (text ?? '').trim().split('\n').slice(1).flatMap(rowOf));
  return [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
}

export function socketOfTable(row: TableRow, fd: number): InspectedSocket {
  const hasPeer = row.state !== TcpState.LISTEN;
  return {
    ...{ fd, inode: row.inode, id: undefined },
    ...queuesOf(row.state, row.receiveQueue, row.sendQueue),
    localAddress: row.localAddress,
    localPort: row.localPort,
    remoteAddress: hasPeer ? row.remoteAddress : undefined,
    remotePort: hasPeer ? row.remotePort : undefined,
    ...{ receiveWindow: undefined, memoryBytes: undefined },
    ...NO_PROGRESS,
  };
}

function rowOf(line: string): TableRow[] {
  const [, local = '', remote = '', state = '', queues = '', , , uid = '', , inode = ''] = line.trim().split(/\s+/);
  const [sendQueue, receiveQueue] = queues.split(':').map((hex) => parseInt(hex, 16));
  const [one, other] = [endOf(local), endOf(remote)];
  if (!one || !other || sendQueue === undefined || receiveQueue === undefined) return [];
  return [
    {
      ...{ inode: Number(inode), uid: Number(uid), state: parseInt(state, 16), receiveQueue, sendQueue },
      ...{ localAddress: one.address, localPort: one.port, remoteAddress: other.address, remotePort: other.port },
    },
  ];
}

/** As in `0100007F:1F90`: each 32-bit word of the address in the byte order of the machine, which is little-endian on all that Node runs on but s390x. */
function endOf(text: string): { address: string; port: number } | undefined {
  const [hex = '', port = ''] = text.split(':');
  if (hex.length !== 8 && hex.length !== 32) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  if (LITTLE_ENDIAN) bytes.swap32();
  return { address: bytes.length === 4 ? bytes.join('.') : textOfIpv6(bytes), port: parseInt(port, 16) };
}

const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const MAPPED_PREFIX = `${'00'.repeat(10)}ffff`;

/** IPv4-mapped addresses as IPv4, as everywhere in this package; others as in RFC 5952. */
function textOfIpv6(bytes: Buffer): string {
  if (bytes.toString('hex', 0, 12) === MAPPED_PREFIX) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16));
  const zeros = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)].map(([run]) => run);
  const longest = zeros.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return groups.join(':');
  const [before, after] = splitAt(groups.join(':'), longest);
  return `${before}::${after}`;
}

/** Around the first occurrence, without the colons beside it. */
function splitAt(text: string, part: string): [string, string] {
  const at = new RegExp(`(?<![0-9a-f])${part}(?![0-9a-f])`).exec(text)?.index ?? 0;
  return [text.slice(0, at).replace(/:$/, ''), text.slice(at + part.length).replace(/^:/, '')];
}
