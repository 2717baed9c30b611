/**
 * The interface of the addon (native/addon.cc) as TypeScript sees it. The package never exports the binary raw. JS validates and sizes the
 * arrays; native takes primitives and caller-owned typed arrays only.
 *
 * Native errors carry `code`: `CWG_ERR_NATIVE_ARGUMENT` (a TypeError or RangeError that names the argument) or
 * `CWG_ERR_SYSCALL` (an Error with `errno` and `syscall`). A bad fd is not an error: it is a row whose `errno` is set.
 */
export interface NativeBinding {
  /** Must equal {@link LAYOUT_VERSION}. */
  readonly layoutVersion: number;
  /** Column names of a socket record, in order; must equal {@link RECORD_FIELDS}. */
  readonly recordFields: readonly string[];
  /** Column names of a sock_diag row, in order; must equal {@link DUMP_FIELDS}. */
  readonly dumpFields: readonly string[];
  /** Where each part of a packed endpoint pair begins; must have the keys {@link ENDPOINT_FIELDS}. */
  readonly endpointOffsets: EndpointOffsets;
  /** What the numbers that {@link listProcessFds} writes stand for; must equal {@link FD_KINDS}. */
  readonly fdKinds: readonly string[];
  /** Bytes of one packed endpoint pair. */
  readonly endpointBytes: number;
  /** What it was built for and runs on: `glibc 2.36`, or `musl`. */
  readonly cLibrary: string;

  /**
   * Reads `count` sockets. Row i of `values` (RECORD_FIELDS.length doubles) and `cookies[i]` belong to `fds[i]`.
   * A column the kernel did not return is -1; a row that could not be read has `errno` set, every other column -1 and cookie 0.
   * Where only TCP_INFO fails, `infoErrno` says why, its columns are -1, and `state` is what poll(2) tells: ESTABLISHED,
   * CLOSE_WAIT, CLOSE, LAST_ACK (both ends have sent their FIN), LISTEN or UNKNOWN.
   * A cookie with INODE_IDENTITY set is not SO_COOKIE but the socket's inode: the kernel refuses SO_COOKIE.
   * Returns how many rows were read without error.
   */
  readSockets(fds: Int32Array, count: number, values: Float64Array, cookies: BigUint64Array): number;

  /**
   * Packs local and remote endpoint of `count` fds, `endpointBytes` each, with the parts at `endpointOffsets`: the family in
   * one byte (4, 6, or 0 where they cannot be read), the ports in two (little-endian; a remote port of 0: no peer), the
   * addresses in 16, in network order. IPv4 is in the first four bytes, and IPv4-mapped IPv6 is packed as IPv4. All else is 0.
   * Returns how many could be read.
   */
  readEndpoints(fds: Int32Array, count: number, endpoints: Uint8Array): number;
  /** Text form (inet_ntop) of one 16-byte address slot; `family` 4 or 6. */
  formatAddress(address: Uint8Array, offset: number, family: number): string;

  /**
   * Writes the TCP fds (SO_PROTOCOL 6, any state but LISTEN) among the fd numbers [from, to) and their cookies.
   * Returns how many were found, at most fds.length; cost is one syscall per fd number.
   */
  listTcpFds(from: number, to: number, fds: Int32Array, cookies: BigUint64Array): number;
  /**
   * Visits fd numbers from `from` on and writes the TCP sockets among them as listTcpFds() does: fds.length numbers at most, and
   * none where `known`, a byte for each number, is not 0. next[0] is where the next call begins, -1 at the end of the table.
   * Numbers that are not open are passed over where /proc is mounted.
   */
  visitUnknownTcpFds(
    from: number,
    known: Uint8Array,
    fds: Int32Array,
    cookies: BigUint64Array,
    next: Int32Array,
  ): number;
  /** How many fds are open, where the kernel tells it at once (Linux 6.2 and later); else -1. */
  openFds(): number;
  /** A counter of the network namespace (`TcpExt` in /proc/self/net/netstat); -1 where /proc does not tell. 50 to 150 µs. */
  tcpCounter(name: string): number;
  /** An upper bound of the process's open fd numbers: FDSize of /proc/self/status, else min(RLIMIT_NOFILE, 65536). */
  fdTableSize(): number;
  /** [open fds, or -1 where /proc is not mounted; soft RLIMIT_NOFILE, Infinity where there is none]. */
  fdUsage(): [number, number];

  /**
   * One sock_diag dump of the own network namespace, kept to TCP states in `stateMask` (bit n = state n)
   * and, unless `ports` is empty, to these local ports. Row i: DUMP_FIELDS.length doubles and a cookie.
   * `endpoints`, when given, takes `endpointBytes` a row, packed as by readEndpoints. With `withInfo` the kernel sends
   * TCP_INFO along (twice the cost), and the columns from lastAckRecvMs on are filled; otherwise they are -1. `family`, 4 or 6,
   * leaves the other one's sockets out, and halves what a dump costs: IPv4-mapped ones belong to 6. `namespaceOf` is a pid whose
   * network namespace is asked instead; that takes CAP_SYS_ADMIN, else it throws CWG_ERR_SYSCALL with EPERM.
   * Returns the number of rows that matched, which may exceed what fit: call again with larger arrays.
   * Throws CWG_ERR_SYSCALL where AF_NETLINK is refused.
   */
  dumpSockets(
    stateMask: number,
    ports: Uint16Array,
    values: Float64Array,
    cookies: BigUint64Array,
    endpoints?: Uint8Array,
    withInfo?: boolean,
    family?: number,
    namespaceOf?: number,
  ): number;

  /**
   * Joins the open fds of a process with one sock_diag dump, with TCP_INFO, of its network namespace: of the own one with a `namespaceOf`
   * of 0, else of that of the process with this pid, which takes CAP_SYS_ADMIN.
   *
   * Fds are written as by listProcessFds; listed[i] is 1 where fds[i] is a socket that was in the dump. Rows are written as by dumpSockets,
   * those of the process with the lowest fd in `fdOf`, and those that no process has (inode 0) with an `fdOf` of -1. With an `idle` of length 0
   * all are rows; else those that are ESTABLISHED with empty queues are only counted, and `idle` is room for as many.
   * `counts` becomes [fds, rows, idle sockets of the process, 1]; or, where something did not fit, [fds, rows, idle, 0] with what there was:
   * call again with larger arrays.
   * Throws CWG_ERR_SYSCALL: as listProcessFds and dumpSockets do.
   */
  lookInto(
    pid: number,
    fds: Int32Array,
    kinds: Uint8Array,
    inodes: Float64Array,
    listed: Uint8Array,
    stateMask: number,
    values: Float64Array,
    cookies: BigUint64Array,
    endpoints: Uint8Array,
    fdOf: Int32Array,
    idle: Float64Array,
    counts: Float64Array,
    namespaceOf: number,
  ): void;
  /**
   * Writes the open fds of a process, what each is (a number of `fdKinds`) and the inode of those that are sockets or pipes, else 0.
   * Returns how many there were, which may exceed what fit: call again with larger arrays. Reads /proc alone.
   * Throws CWG_ERR_SYSCALL: ENOENT where there is no such process (any more), EACCES where it is another user's.
   */
  listProcessFds(pid: number, fds: Int32Array, kinds: Uint8Array, inodes: Float64Array): number;
  /**
   * Reads `count` TCP sockets of another process, as readSockets and readEndpoints do. Each fd is duplicated into this process, read and
   * closed at once (pidfd_getfd(2)), but only where its `system.sockprotoname` says that it is TCP. A row that could not be read has
   * `errno` set: EPROTONOSUPPORT for another protocol, ENODATA where the protocol is not told, EBADF where the fd is no longer the socket with the
   * inode in `inodes`, EPERM without the right to trace the process, ENOSYS before Linux 5.6.
   * Returns how many rows were read without error. Throws CWG_ERR_SYSCALL where pidfd_open(2) fails: ESRCH, ENOSYS.
   */
  readProcessSockets(
    pid: number,
    fds: Int32Array,
    count: number,
    inodes: Float64Array,
    values: Float64Array,
    cookies: BigUint64Array,
    endpoints: Uint8Array,
  ): number;

  /**
   * Makes the coming close of this socket an abort (SO_LINGER with a time of 0, socket(7)): a RST instead of a FIN, and
   * nothing of the connection is left in the kernel. Returns 0 or an errno; EBADF when `fd` is not the socket with the
   * cookie in `cookie[0]`.
   */
  abortOnClose(fd: number, cookie: BigUint64Array): number;

  /**
   * Ends both directions of this connection (shutdown(2)), so that whoever reads it comes to its end; closes no fd. Returns 0 or an
   * errno; EBADF when `fd` is not the socket with the cookie in `cookie[0]`, ENOTCONN when it has no peer any more.
   */
  shutDown(fd: number, cookie: BigUint64Array): number;

  /**
   * Writes as much as a pipe, socket or terminal takes at once, also where the fd is blocking. O_NONBLOCK stays as it is.
   * Returns the bytes written, or minus an errno: -EAGAIN when not one byte could go. Not for regular files.
   */
  writeNow(fd: number, bytes: Uint8Array): number;

  /**
   * Sets watched[i] to 1 where a half-close watch of this process, of whichever thread and whichever copy of the addon,
   * holds the socket with cookies[i], else to 0. Returns how many are. Costs a few µs and no system call.
   */
  findWatched(cookies: BigUint64Array, watched: Uint8Array): number;
  /** What the kernel gives of two fresh TCP sockets: 0 or an errno each. */
  checkKernel(): NativeKernelCheck;

  /** Throws CWG_ERR_SYSCALL where no epoll set can be had; with `open` false it has none before reopen(). */
  readonly HalfCloseWatch: new (open?: boolean) => NativeHalfCloseWatch;
}

export interface NativeKernelCheck {
  /** socket(2). Where it fails nothing else is known, and every other entry is 0. */
  readonly socket: number;
  /** SO_COOKIE and the inode both fail, or two sockets have one cookie (EEXIST). */
  readonly identity: number;
  /** SO_COOKIE; ENODATA where it is short or 0. */
  readonly cookie: number;
  /** TCP_INFO; ENODATA where it is empty or zero, EMSGSIZE where it ends before the byte counts. */
  readonly tcpInfo: number;
  /** SIOCINQ or SIOCOUTQ. */
  readonly queues: number;
  /** SO_PEERNAME, which tells the peer also after a reset. */
  readonly peerName: number;
}

/** An epoll set with EPOLLRDHUP|EPOLLET, see epoll_ctl(2). Closed by close(), by collection, or with its environment. */
export interface NativeHalfCloseWatch {
  /**
   * Adds `count` fds. cookies[i] is the identity the kernel will report; errnos[i] is 0, or why fds[i] was not added
   * (EBADF, ENOTSOCK, EPROTONOSUPPORT for what is not TCP, ENOSPC, …). EEXIST counts as added. Returns how many were added.
   * cookies[i] is 0 for what is not TCP, and set for a TCP socket that the kernel refuses to watch. `findWatched` finds
   * that one too: the caller must check it by other means. With `areTcp` the protocol is not asked for: two system calls
   * less a socket.
   */
  add(fds: Int32Array, count: number, cookies: BigUint64Array, errnos: Int32Array, areTcp?: boolean): number;
  /** A new, empty epoll set in place of the old one. Throws CWG_ERR_SYSCALL where none can be had. */
  reopen(): void;
  /** These are followed no longer, so `findWatched` must not name them. The kernel drops closed sockets by itself. */
  forget(cookies: BigUint64Array): void;
  /**
   * Takes what is ready now, never blocks (epoll_wait timeout 0): cookies[i] with events[i] = the EPOLL* bits.
   * Returns how many; when it equals cookies.length, call again. Throws CWG_ERR_SYSCALL where epoll_wait(2) fails, such as
   * EBADF and EINVAL when something has closed the set's number; then call reopen().
   */
  drain(cookies: BigUint64Array, events: Uint32Array): number;
  /** Idempotent. Every other method then throws CWG_ERR_NATIVE_ARGUMENT ('watch is closed'). */
  close(): void;
}

export const LAYOUT_VERSION = 4;
export const RECORD_FIELDS = [
  'errno',
  'state',
  'lastDataSentMs',
  'lastDataRecvMs',
  'lastAckRecvMs',
  'bytesAcked',
  'bytesReceived',
  'unreadBytes',
  'unsentBytes',
  'receiveWindow',
  'acceptQueue',
  'backlog',
  'infoErrno',
] as const;
export const DUMP_FIELDS = [
  'state',
  'family',
  'localPort',
  'remotePort',
  'inode',
  'receiveQueue',
  'sendQueue',
  'uid',
  'lastAckRecvMs',
  'bytesAcked',
  'bytesReceived',
  'lastDataSentMs',
  'lastDataRecvMs',
  'receiveWindow',
  'memoryBytes',
] as const;
/** What an fd is: a closed set. `memory` is memfd_create(2), `process` a pidfd. */
export const FD_KINDS = [
  'other',
  'socket',
  'pipe',
  'file',
  'device',
  'epoll',
  'event',
  'timer',
  'signal',
  'inotify',
  'io_uring',
  'memory',
  'process',
] as const;
export type FdKind = (typeof FD_KINDS)[number];
export const ENDPOINT_FIELDS = ['family', 'localPort', 'remotePort', 'localAddress', 'remoteAddress'] as const;
export type EndpointOffsets = Readonly<Record<(typeof ENDPOINT_FIELDS)[number], number>>;
/** Set in a cookie that is the inode of the socket, where SO_COOKIE is refused. */
export const INODE_IDENTITY = 1n << 63n;
