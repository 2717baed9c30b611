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
  const wanted = Uint16Array.from(census.keys());
  let capacity = 256;
  for (;;) {
    const values = new Float64Array(capacity * COLUMNS);
    const total = binding.dumpSockets(MASK, wanted, values, new BigUint64Array(capacity));
    if (total > capacity) {
      // More rows than fit; the next dump may find more again, so leave room.
      capacity = total * 2;
      continue;
    }
    for (let row = 0; row < total; row++) {
      const at = row * COLUMNS;
      const counts = census.get(values[at + LOCAL_PORT] ?? -1);
      if (!counts) continue;
      if (values[at + STATE] === TcpState.FIN_WAIT2) counts.finWait2++;
      else if (values[at + INODE] === 0) counts.acceptQueueCloseWait++;
    }
    return census;
  }
}
