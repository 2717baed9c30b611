// Watches the sockets of a server while clients leave it, and remembers how long each stood still in the state of a leak.
import { heldSockets, leakKind, processTree } from './kernel.mjs';

const POLL_MS = 200;

export class Watch {
  #pid;
  #timer;
  #sockets = new Map();

  constructor(pid) {
    this.#pid = pid;
    this.#poll();
    this.#timer = setInterval(() => this.#poll(), POLL_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#poll();
  }

  /** Every socket that was ever seen: where it was, and the longest time it stood still, by kind of leak. */
  sockets() {
    return [...this.#sockets.values()];
  }

  #poll() {
    const now = performance.now();
    const held = heldSockets(processTree(this.#pid));
    for (const [inode, seen] of held) {
      const socket = this.#sockets.get(inode) ?? { inode, stood: {}, openAtStart: this.#timer === undefined };
      this.#sockets.set(inode, socket);
      // In CLOSE the kernel has no ports for it any more: those of before stay.
      Object.assign(socket, seen, { held: true });
      const kind = seen.state === 'CLOSE' && socket.localPort === undefined ? undefined : leakKind(seen);
      const still = [kind, seen.state, seen.unread, seen.unsent].join();
      if (kind === undefined || socket.still !== still) socket.since = now;
      socket.still = still;
      if (kind === undefined) continue;
      const ms = now - socket.since;
      if (ms >= (socket.stood[kind]?.ms ?? 0)) socket.stood[kind] = { ms, state: seen.state, unsent: seen.unsent };
    }
    for (const [inode, socket] of this.#sockets) if (!held.has(inode)) socket.held = false;
  }
}
