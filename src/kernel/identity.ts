import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { INODE_IDENTITY, type NativeBinding } from './native.js';

/**
 * The identity of a socket with this inode where the kernel refuses SO_COOKIE. It stands wherever a cookie does; the two
 * never meet, because a cookie never has the highest bit.
 */
export function identityOfInode(inode: number): bigint {
  return INODE_IDENTITY | BigInt(inode);
}

export function isInodeIdentity(cookie: bigint): boolean {
  return (cookie & INODE_IDENTITY) !== 0n;
}

/** The inode of the socket at an fd, as /proc/PID/fd names it; undefined where there is none. */
export function inodeOf(fd: number): number | undefined {
  try {
    return fstatSync(fd).ino;
  } catch {
    return undefined;
  }
}

/** Those of these sockets that no guard of this process follows, in whichever thread. */
export function notFollowedInProcess<T extends { readonly cookie: bigint }>(
  binding: NativeBinding,
  sockets: readonly T[],
): T[] {
  if (sockets.length === 0) return [];
  const followed = new Uint8Array(sockets.length);
  binding.findWatched(
    BigUint64Array.from(sockets, ({ cookie }) => cookie),
    followed,
  );
  return sockets.filter((_, i) => followed[i] === 0);
}

const { EBADF, ENOTSOCK, EPROTONOSUPPORT } = constants.errno;
/** What the addon says of an fd that is closed, no socket, or a socket of another protocol. */
const NO_TCP_SOCKET: ReadonlySet<number> = new Set([EBADF, ENOTSOCK, EPROTONOSUPPORT]);

/** Whether this errno of a read says that the kernel refuses to tell what is at an fd, not that no TCP socket is. */
export function isRefusal(errno: number): boolean {
  return errno !== 0 && !NO_TCP_SOCKET.has(errno);
}
