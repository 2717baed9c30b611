import { DUMP_FIELDS, type NativeBinding } from './native.js';
import { stateBit, TcpState } from './tcp-states.js';

/** What sock_diag(7) knows of a listener's port beyond this process's fd table. */
export interface PortCensus {
  /** FIN_WAIT_2 sockets: we have closed, the remote end has not. Many of them mean the remote end leaks. */
  readonly finWait2: number;
  /** Connections that nobody has accepted yet and whose client has already gone (CLOSE_WAIT, inode 0). */
  readonly acceptQueueCloseWait: number;
}

const COLUMNS = DUMP_FIELDS.length;
const column = (name: (typeof DUMP_FIELDS)[number]): number => DUMP_FIELDS.indexOf(name);
const STATE = column('state');
const LOCAL_PORT = column('localPort');
const REMOTE_PORT = column('remotePort');
const INODE = column('inode');
const MASK = stateBit(TcpState.FIN_WAIT2) | stateBit(TcpState.CLOSE_WAIT);

/**
 * One dump of the network namespace's TCP sockets, counted by local port. Costs what the namespace holds (about 0.4 µs a
 * socket), so it belongs to a scrape, never to a timed sample.
 * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused (a seccomp sandbox).
 */
export function censusByPort(binding: NativeBinding, ports: readonly number[]): Map<number, PortCensus> {
  const census = new Map<number, { finWait2: number; acceptQueueCloseWait: number }>();
  for (const port of ports) census.set(port, { finWait2: 0, acceptQueueCloseWait: 0 });
  if (census.size === 0) return census;
  for (const { state, localPort, inode } of dumpRows(binding, MASK, [...census.keys()])) {
    const counts = census.get(localPort);
    if (!counts) continue;
    if (state === TcpState.FIN_WAIT2) counts.finWait2++;
    else if (inode === 0) counts.acceptQueueCloseWait++;
  }
  return census;
}

/** One socket of the network namespace. */
export interface DumpRow {
  readonly cookie: bigint;
  readonly state: number;
  readonly localPort: number;
  readonly remotePort: number;
  /** 0 when no fd of any process holds it. */
  readonly inode: number;
}

/**
 * The namespace's TCP sockets in the states of `stateMask`, and on these local ports unless there are none.
 * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused.
 */
export function dumpRows(binding: NativeBinding, stateMask: number, ports: readonly number[] = []): DumpRow[] {
  let capacity = 256;
  for (;;) {
    const values = new Float64Array(capacity * COLUMNS);
    const cookies = new BigUint64Array(capacity);
    const total = binding.dumpSockets(stateMask, Uint16Array.from(ports), values, cookies);
    if (total <= capacity) return Array.from({ length: total }, (_, row) => rowAt(values, cookies, row));
    // More rows than fit; the next dump may find more again, so leave room.
    capacity = total * 2;
  }
}

function rowAt(values: Float64Array, cookies: BigUint64Array, row: number): DumpRow {
  const field = (index: number): number => values[row * COLUMNS + index] ?? -1;
  return {
    cookie: cookies[row] ?? 0n,
    state: field(STATE),
    localPort: field(LOCAL_PORT),
    remotePort: field(REMOTE_PORT),
    inode: field(INODE),
  };
}
