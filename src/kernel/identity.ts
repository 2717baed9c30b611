import { fstatSync } from 'node:fs';
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
