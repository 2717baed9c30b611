// What the kernel says of the TCP sockets that a process and its descendants have an fd on. Only /proc is read: nothing here
// goes through the guard or its addon.
import fs from 'node:fs';

const STATES = {
  '01': 'ESTABLISHED',
  '02': 'SYN_SENT',
  '03': 'SYN_RECV',
  '04': 'FIN_WAIT1',
  '05': 'FIN_WAIT2',
  '06': 'TIME_WAIT',
  '07': 'CLOSE',
  '08': 'CLOSE_WAIT',
  '09': 'LAST_ACK',
  '0A': 'LISTEN',
  '0B': 'CLOSING',
};

/** The lines of a file of /proc without their heading; none when there is no such file (IPv6 is off). */
function lines(file) {
  try {
    return fs.readFileSync(file, 'utf8').trimEnd().split('\n').slice(1);
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return [];
    throw error;
  }
}

const port = (address) => parseInt(address.slice(address.lastIndexOf(':') + 1), 16);

/** Every row of the TCP tables. Both ends of a loopback connection are in them, so a row's peer can be looked up. */
function tcpRows() {
  const byInode = new Map();
  const byPorts = new Map();
  for (const line of [...lines('/proc/net/tcp'), ...lines('/proc/net/tcp6')]) {
    const [, local, remote, state, queues, , , , , inode] = line.trim().split(/\s+/);
    const [unsent, unread] = queues.split(':').map((size) => parseInt(size, 16));
    const row = { state: STATES[state] ?? state, localPort: port(local), remotePort: port(remote), unsent, unread };
    if (inode !== '0') byInode.set(inode, row);
    byPorts.set(`${row.localPort}:${row.remotePort}`, row);
  }
  return { byInode, byPorts };
}

/** Inodes of sockets that are no TCP sockets; a TCP socket in CLOSE is in no table at all. */
function otherInodes() {
  const inodes = new Set();
  const columns = { unix: 6, udp: 9, udp6: 9, raw: 9, raw6: 9, icmp: 9, icmp6: 9, netlink: 9, packet: 8 };
  for (const [table, column] of Object.entries(columns)) {
    for (const line of lines(`/proc/net/${table}`)) inodes.add(line.trim().split(/\s+/)[column]);
  }
  return inodes;
}

/** The process and all its descendants. */
export function processTree(root) {
  const children = new Map();
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function parentOf(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    // It has ended since the folder was listed.
    return undefined;
  }
}

/** inode → pid and fd. */
function openSockets(pids) {
  const open = new Map();
  for (const pid of pids) {
    let fds;
    try {
      fds = fs.readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue; // It has ended.
    }
    for (const fd of fds) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode !== undefined) open.set(inode, { pid, fd: Number(fd) });
      } catch {
        // Closed since the folder was listed.
      }
    }
  }
  return open;
}

/** inode → what the kernel knows of each connection that these processes have an fd on. Listeners are left out. */
export function heldSockets(pids) {
  const open = openSockets(pids);
  const { byInode, byPorts } = tcpRows();
  let others;
  const held = new Map();
  for (const [inode, owner] of open) {
    const row = byInode.get(inode);
    if (row === undefined) {
      others ??= otherInodes();
      if (!others.has(inode)) held.set(inode, { ...owner, state: 'CLOSE', unsent: 0, unread: 0 });
    } else if (row.state !== 'LISTEN') {
      held.set(inode, { ...owner, ...row, peer: byPorts.get(`${row.remotePort}:${row.localPort}`) });
    }
  }
  return held;
}

/**
 * The kind of leak that a socket is in, if it stays so; undefined when it is in none. A socket is `stalled` when bytes wait on
 * this end and its peer cannot get rid of more: its FIN, if it has sent one, waits behind them.
 */
export function leakKind({ state, unread, peer }) {
  if (state === 'CLOSE_WAIT') return 'close-wait';
  if (state === 'CLOSE') return 'reset';
  if (state !== 'ESTABLISHED' && state !== 'FIN_WAIT1' && state !== 'FIN_WAIT2') return undefined;
  if (unread === 0) return undefined;
  return peer === undefined || peer.unsent > 0 ? 'stalled' : undefined;
}
