import { TcpState } from '../base/tcp-states.js';
import { FdWalk } from './fd-walk.js';
import { identityOfInode } from './identity.js';
import type { NativeBinding } from './native.js';
import { dumpSockets } from './sock-diag.js';

/**
 * Cookies of the sockets of this process that are about to be half-closed: ours is ESTABLISHED and its peer, on this host,
 * is in FIN_WAIT1. It has closed, and its FIN waits behind data that the receive window has no room for yet, so nothing on
 * our end tells. In a test, where the peer is on loopback, a client that has just closed is in this state.
 * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused.
 */
export function socketsWithClosingPeer(binding: NativeBinding): Set<bigint> {
  const closing = dumpSockets(binding, [TcpState.FIN_WAIT1]);
  if (closing.length === 0) return new Set();
  const own = new Set(new FdWalk(binding).lap().map(({ cookie }) => cookie));
  const peersOf = new Set(closing.map(({ localPort, remotePort }) => `${remotePort} ${localPort}`));
  return new Set(
    dumpSockets(binding, [TcpState.ESTABLISHED])
      .filter(
        ({ cookie, inode, localPort, remotePort }) =>
          (own.has(cookie) || own.has(identityOfInode(inode))) && peersOf.has(`${localPort} ${remotePort}`),
      )
      .map(({ cookie }) => cookie),
  );
}

/**
 * The ends at `localPort` of connections on this host that have not sent their FIN, by the ports of their peers: ESTABLISHED, or
 * the peer's FIN came first (CLOSE_WAIT). A socket that was reset is in no dump.
 * @throws Error CWG_ERR_SYSCALL where AF_NETLINK is refused.
 */
export function openEndsAt(binding: NativeBinding, localPort: number): Set<number> {
  const open = dumpSockets(binding, [TcpState.ESTABLISHED, TcpState.CLOSE_WAIT], [localPort]);
  return new Set(open.map(({ remotePort }) => remotePort));
}
