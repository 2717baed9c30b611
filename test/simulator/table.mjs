import { recordOf } from './binding.mjs';
import { CLOSE, CLOSE_WAIT } from './connection.mjs';
import { SERVERS } from './diseases.mjs';

/** Of a socket that only another process has. */
const INODE = 77;
const NO_PIPE = Object.freeze({ readableLength: 0, writableLength: 0, passed: 0 });

/** One row of a batch, for states.ts. */
const ROW = {
  socket: undefined,
  field(_row, name) {
    if (name === 'receiveWindow') return ROW.socket.window;
    if (name === 'unreadBytes') return ROW.socket.unread;
    return ROW.socket.state;
  },
};

/**
 * The sockets of a thread, as a SocketTable has them. Which of them a sample reads, and who hears of their end, is the library's own
 * HalfClosedSockets; what a read says is the library's SuspectReader in a deep history, and a few lines here in all others.
 */
export class SimulatedTable {
  destinations = { hostOf: () => undefined };
  holders = { lookUp: (cookie) => this.#lookUp(cookie) };
  /** Hears of each mark. */
  onMark = () => {};
  #library;
  #kernel;
  #reader;
  #halfClosed;
  #watched = new Map();
  /** Of other processes, by cookie. */
  #given = new Map();

  constructor(library, kernel, reader) {
    this.#library = library;
    this.#kernel = kernel;
    this.#reader = reader;
    this.#halfClosed = new library.HalfClosedSockets();
  }

  followClosed(follows) {
    return this.#halfClosed.followClosed(follows);
  }

  hasLeaks() {
    return this.#halfClosed.hasLeaks();
  }

  markLeak(cookie) {
    this.onMark(cookie);
    this.#halfClosed.markLeak(cookie);
  }

  /** For the referee: whether it is read in slices by now. */
  isMarked(cookie) {
    return this.#watched.get(cookie)?.isLeak === true;
  }

  answeredElsewhere({ cookie, foreignInode }) {
    this.#halfClosed.delete(cookie);
    if (foreignInode !== undefined) this.#given.delete(cookie);
  }

  sample(all) {
    for (const socket of this.#kernel.sockets) if (socket?.isOpen) this.#look(socket);
    const suspects = this.#read(all ? this.#halfClosed.all() : this.#halfClosed.fresh());
    for (const [cookie, socket] of this.#given) {
      if (socket.isOpen) suspects.push(this.#suspectGiven(socket));
      else {
        this.#given.delete(cookie);
        this.#halfClosed.tellClosed([cookie]);
      }
    }
    return suspects;
  }

  readAgain(cookies) {
    const suspects = this.#read(this.#halfClosed.these(cookies));
    for (const [cookie, socket] of this.#given) if (cookies.has(cookie)) suspects.push(this.#suspectGiven(socket));
    return suspects;
  }

  readLeaks(intervalMs) {
    return this.#read(this.#halfClosed.leaksDue(intervalMs, 1));
  }

  /** What epoll, the sweep and the walk over the fds find. */
  #look(socket) {
    const { cookie, state } = socket;
    if (socket.isGiven) {
      if (!socket.isElsewhere || !socket.wasAnswered) this.#given.set(cookie, socket);
      return;
    }
    let watched = this.#watched.get(cookie);
    if (!watched) {
      const { js, fd, side, endpoints } = socket;
      const ref = js && { deref: () => js };
      const openAtMs = state === CLOSE_WAIT || state === CLOSE ? 0 : this.#kernel.nowMs;
      watched = new this.#library.WatchedSocket(cookie, fd, side, ref, openAtMs, 0);
      watched.endpoints = endpoints;
      this.#watched.set(cookie, watched);
    }
    if (state === CLOSE_WAIT || state === CLOSE) {
      if (watched.toldState === state) return;
      watched.toldState = state;
      watched.aborted ||= socket.wasReset;
      this.#halfClosed.add(watched);
      return;
    }
    watched.openAtMs = this.#kernel.nowMs;
    if (!this.#halfClosed.has(cookie) && this.#isStalled(socket)) this.#halfClosed.add(watched);
  }

  #isStalled(socket) {
    ROW.socket = socket;
    return this.#library.isStalled(ROW, 0);
  }

  #read(list) {
    const read = this.#reader ? this.#reader.read(list, this.#kernel.nowMs) : this.#readShallow(list);
    for (const { cookie } of read.closed) this.#watched.delete(cookie);
    for (const { cookie } of [...read.closed, ...read.recovered]) this.#halfClosed.delete(cookie);
    return read.suspects;
  }

  #readShallow(list) {
    const read = { suspects: [], closed: [], recovered: [] };
    for (const watched of list) {
      const socket = this.#kernel.withFd(watched.fd);
      if (socket?.cookie !== watched.cookie) read.closed.push(watched);
      else if (socket.isReadable && !this.#isStalled(socket)) {
        watched.openAtMs = this.#kernel.nowMs;
        read.recovered.push(watched);
      } else read.suspects.push(this.#suspectOf(watched, socket));
    }
    return read;
  }

  #suspectOf(watched, socket) {
    if (socket.isReadable) watched.openAtMs = this.#kernel.nowMs;
    const { cookie, fd, side, endpoints, aborted, openAtMs } = watched;
    const js = socket.js?._handle ? socket.js : undefined;
    const record = recordOf(socket, this.#kernel.nowMs);
    const progress = this.#library.progressOf(record, js ? above(socket) : NOTHING_ABOVE, openAtMs);
    const server = serverOf(socket);
    const detached = js === undefined && (socket.js !== undefined || server !== undefined);
    const unowned = socket.js === undefined;
    return {
      cookie,
      fd,
      side,
      unowned,
      socket: js,
      server,
      foreignInode: undefined,
      detached,
      record,
      progress,
      aborted,
      endpoints,
      transfers: NO_TRANSFERS,
    };
  }

  #suspectGiven(socket) {
    const record = recordOf(socket, this.#kernel.nowMs);
    const progress = this.#library.progressOf(record, NOTHING_ABOVE, 0);
    const { cookie, endpoints, wasReset: aborted } = socket;
    const server = socket.isOutbound ? undefined : serverOf({ ...socket, js: undefined });
    return {
      cookie,
      fd: -1,
      side: socket.side,
      unowned: true,
      socket: undefined,
      server,
      foreignInode: INODE,
      detached: false,
      record,
      progress,
      aborted,
      endpoints,
      transfers: NO_TRANSFERS,
    };
  }

  #lookUp(cookie) {
    const socket = this.#given.get(cookie);
    if (!socket) return { answer: 'here-or-nowhere' };
    if (!socket.isHolderKnown) return { answer: 'not-yet' };
    socket.wasAnswered = true;
    return socket.isElsewhere ? { answer: 'elsewhere' } : { answer: 'here-or-nowhere', holder: { pid: 1, fd: 3 } };
  }
}

const NO_TRANSFERS = { of: () => undefined, pendingOf: () => undefined };
const NOTHING_ABOVE = Object.freeze({ bufferedBytes: 0, pipedBytes: 0, pipedCounts: 0, drainedBytes: undefined });

function above({ js, message, pipe = NO_PIPE, sinkAcked }) {
  return {
    bufferedBytes: js.readableLength + (message?.readableLength ?? 0),
    pipedBytes: pipe.readableLength + pipe.writableLength,
    pipedCounts: pipe.passed,
    drainedBytes: pipe === NO_PIPE ? undefined : sinkAcked,
  };
}

/** What accepted a socket, as far as this thread knows: its JS socket says so, and of one server the port does. */
export function serverOf({ js, server, isOutbound }) {
  if (isOutbound) return undefined;
  return js?._handle || server === 1 ? SERVERS[server] : undefined;
}

/** As SocketTable's `serverOn`. */
export const serverOnPort = (port) => (port === 8_001 ? SERVERS[1] : undefined);
export { NO_TRANSFERS };
