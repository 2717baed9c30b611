/** The kernel's own view of our connections, without the guard: /proc/net/tcp and, where it is installed, `ss`. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** As `ss` spells them, by the numbers of include/net/tcp_states.h. */
const STATES = [
  '',
  'ESTAB',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'UNCONN',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
];

/**
 * @typedef {object} Row
 * @property {string} state As `ss` spells it.
 * @property {number} receiveQueue @property {number} sendQueue
 * @property {string} local `address:port` @property {number} localPort
 * @property {string} remote @property {number} remotePort
 * @property {number} inode 0 when no process has the socket open.
 */

/** Every TCP/IPv4 socket of this network namespace (the demo listens on 127.0.0.1 only). @returns {Row[]} */
export function tcpRows() {
  const lines = readFileSync('/proc/self/net/tcp', 'latin1').trim().split('\n').slice(1);
  return lines.map((line) => {
    const [, local, remote, state, queues, , , , , inode] = line.trim().split(/\s+/);
    const [sendQueue, receiveQueue] = queues.split(':').map((hex) => Number.parseInt(hex, 16));
    const [here, there] = [endpoint(local), endpoint(remote)];
    return {
      state: STATES[Number.parseInt(state, 16)] ?? 'UNKNOWN',
      receiveQueue,
      sendQueue,
      local: here.text,
      localPort: here.port,
      remote: there.text,
      remotePort: there.port,
      inode: Number(inode),
    };
  });
}

/** Socket inode -> fd of this process. @returns {Map<number, number>} */
export function socketFds() {
  const fds = new Map();
  for (const fd of readdirSync('/proc/self/fd')) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1];
    if (inode !== undefined) fds.set(Number(inode), Number(fd));
  }
  return fds;
}

/** [open fds, soft limit], as /proc has them. */
export function fdUse() {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  // readdir() itself has one more open while it looks.
  return [readdirSync('/proc/self/fd').length - 1, Number(limit)];
}

/** Seconds after which the kernel drops an end in FIN-WAIT-2; CLOSE-WAIT has no such limit. */
export function finTimeout() {
  return Number(readFileSync('/proc/sys/net/ipv4/tcp_fin_timeout', 'latin1'));
}

/**
 * What an administrator would see: `ss -tanp`, or /proc/net/tcp where iproute2 is not installed. `owner` is the process
 * and fd, '-' when no process has it.
 * @param {(row: { localPort: number, remotePort: number, state: string }) => boolean} wanted
 * @returns {{ source: string, rows: (Omit<Row, 'inode'> & { owner: string, fd: number | undefined })[] }}
 */
export function administratorsView(wanted) {
  const ss = spawnSync('ss', ['-tanpH'], { encoding: 'utf8', env: { ...process.env, PATH: searchPath() } });
  if (ss.status === 0) {
    const rows = ss.stdout.trim().split('\n').map(ssRow).filter(wanted);
    return { source: 'ss -tanp', rows };
  }
  const fds = socketFds();
  const rows = tcpRows()
    .filter(wanted)
    .map(({ inode, ...row }) => {
      const fd = fds.get(inode);
      const owner = fd === undefined ? (inode === 0 ? '-' : `inode ${inode}`) : `node, fd ${fd}`;
      return { ...row, owner, fd };
    });
  return { source: '/proc/net/tcp', rows };
}

/** System tools live in sbin, which is not on everyone's PATH. */
export function searchPath() {
  return `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/bin:/bin`;
}

function ssRow(line) {
  const [state, receiveQueue, sendQueue, local, remote, users = ''] = line.trim().split(/\s+/);
  const [, name, fd] = /\(\("([^"]+)",pid=\d+,fd=(\d+)\)/.exec(users) ?? [];
  return {
    state,
    receiveQueue: Number(receiveQueue),
    sendQueue: Number(sendQueue),
    local,
    localPort: portOf(local),
    remote,
    remotePort: portOf(remote),
    owner: fd === undefined ? '-' : `${name}, fd ${fd}`,
    fd: fd === undefined ? undefined : Number(fd),
  };
}

const portOf = (endpointText) => Number(endpointText.slice(endpointText.lastIndexOf(':') + 1));

/** /proc/net/tcp has addresses as one number in host order: little-endian wherever Node runs on Linux, but s390x. */
function endpoint(text) {
  const [address, port] = text.split(':').map((hex) => Number.parseInt(hex, 16));
  const octets = [0, 8, 16, 24].map((shift) => (address >>> shift) & 255);
  return { text: `${octets.join('.')}:${port}`, port };
}

function linkOf(path) {
  try {
    return readlinkSync(path);
  } catch (error) {
    // The fd of the readdir() itself is gone by now.
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}
