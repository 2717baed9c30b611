// What the kernel says of a process's TCP sockets, read from /proc by another process: the guard has no part in it.
import fs from 'node:fs';

const ESTABLISHED = '01';
const FIN_WAIT1 = '04';
const FIN_WAIT2 = '05';
const CLOSE_WAIT = '08';
const LISTEN = '0A';

/** Whether one of these processes holds a socket of that kind on the port (its own for `inbound`, the peer's for `outbound`). */
export function isHeld(kind, side, port, pids) {
  const held = new Set(pids.flatMap(socketInodes));
  if (kind === 'reset') return [...held].some((inode) => !listedInodes().has(inode));
  const ours = tcpRows().filter((row) => row[side === 'outbound' ? 'remotePort' : 'localPort'] === port);
  return ours.some(({ state, receiveQueue, inode }) => {
    if (!held.has(inode)) return false;
    if (kind === 'close-wait') return state === CLOSE_WAIT;
    return [ESTABLISHED, FIN_WAIT1, FIN_WAIT2].includes(state) && receiveQueue > 0;
  });
}

/**
 * How many of a port's connections these processes still hold, in whatever state, those included that no table of the kernel
 * lists any more.
 */
export function connectionsHeld(side, port, pids) {
  const held = new Set(pids.flatMap(socketInodes));
  const listed = listedInodes();
  const rows = tcpRows().filter(
    (row) => row.state !== LISTEN && row[side === 'outbound' ? 'remotePort' : 'localPort'] === port,
  );
  return rows.filter(({ inode }) => held.has(inode)).length + [...held].filter((inode) => !listed.has(inode)).length;
}

/** How many connections to a port of this machine nobody has accepted yet. What was closed has no inode either, but is in other states. */
export function connectionsWaiting(port) {
  return openAt(port).filter(({ inode }) => inode === '0').length;
}

/** Whether a server of this machine has connections that it has not closed yet. */
export function hasClients(port) {
  return openAt(port).length > 0;
}

/** The connections to a port of this machine that its side has not closed, accepted or not. */
function openAt(port) {
  return tcpRows().filter(({ localPort, state }) => localPort === port && [ESTABLISHED, CLOSE_WAIT].includes(state));
}

/** A process and all that it has started. */
export function processTree(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processTree)];
}

export function tcpRows() {
  return ['/proc/self/net/tcp', '/proc/self/net/tcp6'].flatMap((file) =>
    linesOf(file).map((columns) => ({
      localPort: portOf(columns[1]),
      remotePort: portOf(columns[2]),
      state: columns[3],
      receiveQueue: parseInt(columns[4].split(':')[1], 16),
      inode: columns[9],
    })),
  );
}

/** Every socket that some table of the kernel lists. One that is held and not listed has been reset (TCP state CLOSE). */
function listedInodes() {
  const others = ['unix', 'netlink'].flatMap((table) =>
    linesOf(`/proc/self/net/${table}`).map((columns) => columns[table === 'unix' ? 6 : 9]),
  );
  return new Set([...tcpRows().map(({ inode }) => inode), ...others]);
}

function socketInodes(pid) {
  return fdsOf(pid).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch (error) {
      if (error.code === 'ENOENT') return [];
      throw error;
    }
  });
}

function fdsOf(pid) {
  try {
    return fs.readdirSync(`/proc/${pid}/fd`);
  } catch (error) {
    // The process has ended.
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function linesOf(file) {
  return read(file)
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

function read(file) {
  try {
    return fs.readFileSync(file, 'latin1');
  } catch (error) {
    // No IPv6, or the process has ended.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  }
}

function portOf(address) {
  return parseInt(address.split(':').pop(), 16);
}
