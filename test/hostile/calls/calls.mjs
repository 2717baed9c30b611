// What the addon asks of libc, how each call may fail, and the control of the shim that makes it fail (nth-call.c).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const { errno } = os.constants;

/** The call succeeds and tells less than it should: a struct of no bytes, a cut datagram, a short write. */
export const TELLS_LESS = 0;

/**
 * The calls by the names that nth-call.c has for them, each with the errors it may end with: those of its manual page, and EPERM or
 * ENOSYS where a seccomp filter may refuse it.
 */
export const CALLS = {
  SO_PROTOCOL: [errno.EBADF, errno.ENOTSOCK, errno.EPERM, errno.ENOPROTOOPT, TELLS_LESS],
  SO_TYPE: [errno.EBADF, errno.EPERM, errno.ENOPROTOOPT, TELLS_LESS],
  SO_COOKIE: [errno.EBADF, errno.EPERM, errno.ENOPROTOOPT, TELLS_LESS],
  SO_ACCEPTCONN: [errno.EBADF, errno.EPERM, errno.ENOPROTOOPT, TELLS_LESS],
  SO_PEERNAME: [errno.ENOTCONN, errno.EPERM, errno.EINVAL, errno.ENOPROTOOPT],
  TCP_INFO: [errno.EBADF, errno.EPERM, errno.ENOPROTOOPT, errno.ENOBUFS, TELLS_LESS],
  SIOCINQ: [errno.EBADF, errno.EPERM, errno.ENOTTY, errno.EINVAL],
  SIOCOUTQ: [errno.EBADF, errno.EPERM, errno.ENOTTY, errno.EINVAL],
  getsockname: [errno.EBADF, errno.EPERM, errno.ENOBUFS, TELLS_LESS],
  getpeername: [errno.ENOTCONN, errno.EPERM, errno.ENOBUFS, TELLS_LESS],
  setsockopt: [errno.EBADF, errno.EPERM, errno.ENOPROTOOPT, errno.ENOMEM],
  epoll_create1: [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPERM],
  epoll_ctl: [errno.ENOSPC, errno.ENOMEM, errno.EPERM, errno.EBADF],
  epoll_wait: [errno.EBADF, errno.EINVAL, errno.EINTR, errno.EPERM, TELLS_LESS],
  poll: [errno.EINTR, errno.ENOMEM, errno.EPERM, TELLS_LESS],
  socket: [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EPERM, errno.EAFNOSUPPORT],
  'socket(AF_NETLINK)': [errno.EMFILE, errno.ENOMEM, errno.EPERM, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT],
  sendto: [errno.EPERM, errno.ENOBUFS, errno.EINTR, errno.EAGAIN, errno.ECONNREFUSED],
  recvmsg: [errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM, errno.EINTR, errno.EPERM, TELLS_LESS],
  open: [errno.EMFILE, errno.ENFILE, errno.ENOENT, errno.EACCES, errno.EINTR, errno.ENOMEM],
  read: [errno.EIO, errno.EINTR, errno.EPERM, TELLS_LESS],
  opendir: [errno.EMFILE, errno.ENOENT, errno.EACCES, errno.ENOMEM],
  readdir: [errno.EBADF, errno.ENOENT],
  closedir: [errno.EBADF],
  close: [errno.EINTR, errno.EIO],
  getrlimit: [errno.EPERM, errno.ENOSYS],
  isatty: [errno.ENOTTY, errno.EBADF],
  lseek: [errno.EBADF, errno.EINVAL, errno.EPERM],
  readlinkat: [errno.EACCES, errno.ENOENT, errno.ENOMEM, TELLS_LESS],
  getxattr: [errno.ENODATA, errno.ENOENT, errno.EACCES, errno.ENOTSUP, TELLS_LESS],
  setns: [errno.EPERM, errno.EINVAL, errno.ENOMEM],
  shutdown: [errno.ENOTCONN, errno.EBADF, errno.EPERM],
  sysconf: [errno.EINVAL],
  pthread_create: [errno.EAGAIN, errno.EPERM],
  newfstatat: [errno.EPERM, errno.ENOENT, errno.ENOSYS, errno.EACCES, errno.ENOMEM],
  pwritev2: [errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EAGAIN, errno.EPIPE, errno.EIO, TELLS_LESS],
  send: [errno.EAGAIN, errno.EPIPE, errno.ECONNRESET, errno.ENOBUFS, errno.ENOTSOCK, TELLS_LESS],
  write: [errno.EAGAIN, errno.EPIPE, errno.EIO, errno.ENOSPC, errno.EINTR, TELLS_LESS],
  inet_ntop: [errno.ENOSPC],
  calloc: [errno.ENOMEM],
  new: [errno.ENOMEM],
};

/**
 * Of a socket that is open these last no longer than a race (its number was closed, and is something else by now), and no kernel
 * tells less of these options for ever. They are tried once at a time.
 */
const PASSING = {
  EINTR: Object.keys(CALLS),
  ...Object.fromEntries(
    ['EBADF', 'ENOTSOCK', 'tells less'].map((name) => [
      name,
      ['SO_PROTOCOL', 'SO_TYPE', 'SO_ACCEPTCONN', 'getsockname'],
    ]),
  ),
};

/** Whether a call may go on to fail with this error. */
export const mayGoOn = (call, error) => !(PASSING[errorName(error)]?.includes(call) ?? false);

/**
 * Symbols of libc and libstdc++ that the addon binds to, by the names of CALLS that stand for them; [] where the function cannot
 * fail, or where failing ends the process as it would end Node: a plain operator new, and what libstdc++ calls instead of throwing.
 */
export const SYMBOLS = {
  getsockopt: ['SO_PROTOCOL', 'SO_TYPE', 'SO_COOKIE', 'SO_ACCEPTCONN', 'SO_PEERNAME', 'TCP_INFO'],
  ioctl: ['SIOCINQ', 'SIOCOUTQ'],
  socket: ['socket', 'socket(AF_NETLINK)'],
  syscall: ['newfstatat', 'pwritev2'],
  ...Object.fromEntries(
    ['getsockname', 'getpeername', 'setsockopt', 'epoll_create1', 'epoll_ctl', 'epoll_wait', 'poll', 'sendto', 'send']
      .concat(['recvmsg', 'read', 'write', 'opendir', 'closedir', 'close', 'isatty', 'inet_ntop', 'calloc'])
      .concat(['readlinkat', 'getxattr', 'setns', 'shutdown', 'sysconf', 'pthread_create'])
      .map((name) => [name, [name]]),
  ),
  open64: ['open'],
  readdir64: ['readdir'],
  getrlimit64: ['getrlimit'],
  lseek64: ['lseek'],
  _ZnwmRKSt9nothrow_t: ['new'],
  _ZnamRKSt9nothrow_t: ['new'],
  ...Object.fromEntries(
    ['__errno_location', 'free', 'gnu_get_libc_version', 'memcpy', 'memset', 'memmove', 'memcmp', 'strcmp', 'strlen']
      .concat([
        'strchr',
        'strtok_r',
        'pthread_join',
        'strstr',
        'strerror',
        'snprintf',
        'pthread_mutex_lock',
        'pthread_mutex_unlock',
        'dl_iterate_phdr',
      ])
      .concat(['_Znwm', '_Znam', '_ZdlPv', '_ZdlPvm', '_ZdaPv', '_ZdaPvm', '_ZSt7nothrow', '__stack_chk_fail'])
      .map((name) => [name, []]),
  ),
};

/** What an addon binds to outside itself, without Node-API and the C++ runtime's own. @throws Error where there is no nm */
export function symbolsOf(addon) {
  const listed = execFileSync('nm', ['-D', '--undefined-only', addon], { encoding: 'utf8' });
  return listed
    .split('\n')
    .map((row) => /\b[Uw] ([^@\s]+)/.exec(row)?.[1])
    .filter((name) => name !== undefined && !/^napi_|^_ZNSt|^_ZSt\d+__throw|^__cxa|^__gmon|^_ITM|^_Unwind/.test(name));
}

/** Compiles the shim into a folder. @throws Error with `code` ENOENT where there is no C compiler */
export function compileShim(folder) {
  const library = path.join(folder, 'nth-call.so');
  const source = path.join(import.meta.dirname, 'nth-call.c');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-Wextra', '-Werror', '-o', library, source, '-ldl'], {
    encoding: 'utf8',
  });
  return library;
}

/** struct Control of nth-call.c: eight int32 and a name of 32 bytes. */
const CONTROL_BYTES = 64;
const AT = { armed: 0, nth: 4, error: 8, goesOn: 12, older: 16, seen: 20, failed: 24, loaded: 28, call: 32 };

export function newControlFile(folder) {
  const file = path.join(folder, `control-${process.pid}-${Math.random().toString(36).slice(2)}`);
  fs.writeFileSync(file, Buffer.alloc(CONTROL_BYTES));
  return file;
}

/** The other end of the shim: the file that it has mapped. */
export class ShimControl {
  #fd;
  #older;
  #loaded = false;

  /** @param older whether the kernel is to refuse what newer ones have */
  constructor(file, { older = false } = {}) {
    this.#fd = fs.openSync(file, 'r+');
    this.#older = older;
    this.disarm();
  }

  /** @param fault `{ call, nth, error, goesOn }` */
  arm({ call, nth, error, goesOn }) {
    this.#write({ call, nth, error, goesOn, armed: true });
  }

  /** Returns how many calls were seen and failed since it was armed, and whether the shim has met the addon. */
  disarm() {
    const control = Buffer.alloc(CONTROL_BYTES);
    fs.readSync(this.#fd, control, 0, CONTROL_BYTES, 0);
    this.#write({});
    const read = (name) => control.readInt32LE(AT[name]);
    this.#loaded ||= read('loaded') !== 0;
    return { seen: read('seen'), failed: read('failed'), loaded: this.#loaded };
  }

  #write({ call = '', nth = 0, error = 0, goesOn = false, armed = false }) {
    const control = Buffer.alloc(CONTROL_BYTES);
    const values = { nth, error, goesOn: Number(goesOn), older: Number(this.#older), armed: Number(armed) };
    for (const [name, value] of Object.entries(values)) control.writeInt32LE(value, AT[name]);
    control.write(call, AT.call, 'latin1');
    // The name first: a fault that is armed is whole.
    fs.writeSync(this.#fd, control, AT.call, CONTROL_BYTES - AT.call, AT.call);
    fs.writeSync(this.#fd, control, 0, AT.call, 0);
  }
}

/** The name of an errno, for a report. */
export function errorName(error) {
  if (error === TELLS_LESS) return 'tells less';
  return Object.entries(errno).find(([, number]) => number === error)?.[0] ?? `errno ${error}`;
}
