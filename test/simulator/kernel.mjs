import { CLOSE, CLOSE_WAIT, Connection, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, LAST_ACK, packed } from './connection.mjs';
import { SOCKETS, STEP } from './history.mjs';

const FIRST_FD = 20;
/** Ports of peers: few, so that they are used again. */
const PORTS = 3;

/** The kernel's side of a history: connections, fds and ports, and the time. */
export class Kernel {
  nowMs = 1_000;
  /** How long the event loop has waited for events. */
  idleMs = 0;
  sockets = Array(SOCKETS).fill(undefined);
  /** Every connection there ever was; that of cookie 1 first. */
  all = [];

  /** Lets time pass; the loop waits for events in so much of it. */
  pass(ms, idleMs = ms) {
    this.nowMs += ms;
    this.idleMs += idleMs;
  }

  withFd(fd) {
    for (const socket of this.sockets) if (socket?.isOpen && !socket.isGiven && socket.fd === fd) return socket;
    return undefined;
  }

  withCookie(cookie) {
    return this.all[Number(cookie) - 1];
  }

  /** Makes a step that is none of the guard's. Of a socket that is not there it changes nothing. */
  step(code, slot, amount) {
    const socket = this.sockets[slot];
    if (code === STEP.open) {
      if (!socket?.isOpen) this.#open(slot, amount);
    } else if (socket?.isOpen) this.#move(socket, code, amount);
  }

  #open(slot, amount) {
    let fd = FIRST_FD;
    while (this.withFd(fd)) fd++;
    const opened = new Connection(BigInt(this.all.length + 1), slot, fd, this.nowMs, amount);
    let port = (amount >>> 16) & 0xff;
    for (let i = 0; i <= PORTS; i++, port++) {
      const same = this.sockets.find(
        (each) => each?.isOpen && each.server === opened.server && each.port === port % PORTS && each.state !== CLOSE,
      );
      if (same === undefined) break;
      // Its peer is gone, and the port used again: challenge ACK, RST, and the new connection is made.
      if (same.peerHasEnded) {
        this.#reset(same);
        break;
      }
    }
    opened.port = port % PORTS;
    opened.endpoints = packed(opened);
    this.sockets[slot] = opened;
    this.all.push(opened);
  }

  #move(socket, code, amount) {
    switch (code) {
      case STEP.peerSends:
        if (!socket.peerHasEnded && socket.isReadable) this.#arrive(socket, amount);
        break;
      case STEP.peerEnds:
        if (!socket.peerHasEnded && socket.isReadable) {
          socket.peerHasEnded = true;
          this.#arrive(socket, 0);
        }
        break;
      case STEP.peerResets:
        if (socket.state !== CLOSE) this.#reset(socket);
        break;
      case STEP.peerAcks:
        this.#acknowledge(socket, amount);
        break;
      case STEP.probe:
        if (socket.state !== CLOSE) socket.lastAckAtMs = this.nowMs;
        break;
      case STEP.appReads:
        if (socket.js?._handle && !socket.isGiven) this.#read(socket, amount);
        break;
      case STEP.appTakes:
        this.#take(socket, amount);
        break;
      case STEP.appWrites:
        if (socket.state === ESTABLISHED || socket.state === CLOSE_WAIT) socket.unsent += amount;
        break;
      case STEP.appEnds:
        this.#end(socket);
        break;
      case STEP.appCloses:
        if (!socket.isGiven) this.#close(socket);
        break;
      case STEP.appLoses:
        // What is piped on goes on without the handle.
        if (socket.js?._handle && !socket.isGiven && !socket.pipe) this.#lose(socket);
        break;
      case STEP.appGives:
        if (!socket.isGiven && socket.state === CLOSE_WAIT && !socket.pipe) this.#give(socket, amount % 4 === 0);
        break;
      case STEP.otherCloses:
        if (socket.isGiven) this.#close(socket);
        break;
      case STEP.holderKnown:
        socket.isHolderKnown = true;
        break;
      case STEP.poison:
        socket.isPoisoned = true;
        break;
      default:
        if (socket.pipe && socket.js._handle && !socket.isGiven) this.#pipe(socket, code, amount);
    }
  }

  /** Bytes and then a FIN arrive, as far as the window takes them. */
  #arrive(socket, bytes) {
    const wasStalled = socket.window === 0;
    socket.pending += bytes;
    const taken = Math.min(socket.pending, socket.window);
    socket.pending -= taken;
    socket.received += taken;
    socket.unread += taken;
    if (taken > 0) socket.lastAckAtMs = this.nowMs;
    if (!wasStalled && socket.window === 0) socket.suspectSinceMs = this.nowMs;
    if (!socket.peerHasEnded || socket.pending > 0) return;
    // TCP_INFO counts the FIN as a byte.
    socket.received++;
    socket.lastAckAtMs = this.nowMs;
    this.#turn(socket, socket.state === ESTABLISHED ? CLOSE_WAIT : CLOSE);
  }

  #turn(socket, state) {
    if (socket.state === state) return;
    socket.state = state;
    socket.progress++;
    if (state === CLOSE_WAIT || state === CLOSE) socket.suspectSinceMs = this.nowMs;
  }

  #reset(socket) {
    socket.wasReset = true;
    socket.peerHasEnded = true;
    socket.unsent = 0;
    this.#turn(socket, CLOSE);
  }

  #acknowledge(socket, bytes) {
    if (socket.state === CLOSE) return;
    const acked = Math.min(bytes, socket.unsent);
    socket.unsent -= acked;
    socket.acked += acked;
    socket.lastAckAtMs = this.nowMs;
    if (acked > 0) socket.progress++;
    if (socket.unsent > 0) return;
    if (socket.state === FIN_WAIT1) this.#turn(socket, FIN_WAIT2);
    if (socket.state === LAST_ACK) this.#turn(socket, CLOSE);
  }

  #read(socket, bytes) {
    const read = Math.min(bytes, socket.unread);
    if (read === 0) return;
    socket.unread -= read;
    socket.js.bytesRead += read;
    socket.buffer.readableLength += read;
    socket.progress++;
    if (socket.state === CLOSE || socket.state === CLOSE_WAIT) return;
    socket.readings++;
    this.#arrive(socket, 0);
  }

  #take(socket, bytes) {
    const taken = socket.js && !socket.isGiven && socket.js._handle ? Math.min(bytes, socket.buffer.readableLength) : 0;
    if (taken === 0) return 0;
    socket.buffer.readableLength -= taken;
    socket.progress++;
    return taken;
  }

  #end(socket) {
    if (socket.state === ESTABLISHED) this.#turn(socket, FIN_WAIT1);
    else if (socket.state === CLOSE_WAIT) this.#turn(socket, LAST_ACK);
  }

  /** What its stream held is seen no more, as if it had been taken. */
  #lose(socket) {
    if (socket.buffer.readableLength > 0) socket.progress++;
    socket.js._handle = null;
  }

  #give(socket, isElsewhere) {
    if (socket.js?._handle && socket.buffer.readableLength > 0) socket.progress++;
    socket.isGiven = true;
    socket.isElsewhere = isElsewhere;
    if (socket.js) socket.js.destroyed = true;
  }

  #close(socket) {
    socket.isOpen = false;
    if (socket.js) socket.js.destroyed = true;
  }

  #pipe(socket, code, amount) {
    const { pipe } = socket;
    switch (code) {
      case STEP.pipeIn:
        pipe.readableLength += this.#take(socket, amount);
        break;
      case STEP.pipeOut: {
        const out = Math.min(amount, pipe.readableLength);
        pipe.readableLength -= out;
        if (out > 0) socket.progress++;
        break;
      }
      case STEP.pipeCounts:
        if (amount === 0) break;
        pipe.passed += amount;
        socket.progress++;
        break;
      case STEP.sinkAcks:
        if (amount === 0) break;
        socket.sinkAcked += amount;
        socket.progress++;
    }
  }
}
