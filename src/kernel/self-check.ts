import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import type { KernelOperation } from './faults.js';
import type { NativeBinding } from './native.js';

/**
 * Why no guard can work here: sockets cannot be told apart, so that one could be taken for another. Undefined where one can;
 * also where the process has no fd left to try with.
 */
export function unsupportedReason(binding: NativeBinding): string | undefined {
  const { identity, cookie } = binding.checkKernel();
  if (identity === 0) return undefined;
  const why =
    identity === constants.errno.EEXIST
      ? 'SO_COOKIE is the same for two sockets'
      : `SO_COOKIE: ${errnoText(cookie)}, inode: ${errnoText(identity)}`;
  return `this kernel or sandbox does not tell one socket from another (${why})`;
}

/** What the kernel, or the sandbox before it, refuses of what the guard can do without, and what that means. */
export function missingHere(binding: NativeBinding): { readonly operation: KernelOperation; readonly why: string }[] {
  const { cookie, tcpInfo, queues } = binding.checkKernel();
  const missing: { operation: KernelOperation; why: string }[] = [];
  if (cookie !== 0) missing.push({ operation: 'cookie', why: cookieRefused(errnoText(cookie)) });
  if (tcpInfo !== 0) missing.push({ operation: 'tcp_info', why: tcpInfoMissing(tcpInfo) });
  if (queues !== 0) missing.push({ operation: 'queues', why: queuesRefused(errnoText(queues)) });
  return missing;
}

export const cookieRefused = (why: string): string =>
  `getsockopt(SO_COOKIE): ${why}. Sockets are told apart by their inode instead`;

/** SO_PROTOCOL or SO_TYPE is refused, since the guard works. */
export const identityRefused = (errno: number): string =>
  `getsockopt(SO_PROTOCOL, SO_TYPE): ${errnoText(errno)}. Nothing is known of such sockets while that lasts`;

/** `errno`: why it is refused, or 0 and EMSGSIZE where it is only short. */
export function tcpInfoMissing(errno: number): string {
  const refused = errno !== 0 && errno !== constants.errno.EMSGSIZE;
  const what = refused
    ? `getsockopt(TCP_INFO): ${errnoText(errno)}. States come from poll(2), ages from when a socket is first seen so`
    : 'getsockopt(TCP_INFO) is cut short';
  return `${what}; progress is what the streams have counted, so sockets without a JS socket in this thread are not reported`;
}

export const sockDiagRefused = (error: unknown): string =>
  `${messageOf(error)}. Leaks that only another process holds are not found, accept queues and FIN_WAIT_2 not told in full`;

export const queuesRefused = (why: string): string =>
  `ioctl(SIOCINQ, SIOCOUTQ): ${why}. Unread and unsent bytes are what the streams have counted`;

/** As in `ENOSPC (no space left on device)`. */
export function errnoText(errno: number): string {
  const [name, message] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, undefined];
  return message === undefined ? name : `${name} (${message})`;
}

/** A system call's error in one line, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
