// Watches the sockets of a server while clients leave it, and remembers how long each stood still in the state of a leak. It
// polls in a thread of its own, so that busy clients do not hold it up.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { heldSockets, leakKind, processTree } from './kernel.mjs';

const POLL_MS = 200;

/** @returns `settled()`: from now on a leak is due to be reported; `stop()`: everything that was seen */
export async function startWatch(pid) {
  const worker = new Worker(new URL(import.meta.url), { workerData: { pid } });
  await once(worker, 'message');
  // It is no reason to go on when the run has failed.
  worker.unref();
  return {
    settled: () => worker.postMessage('settled'),
    async stop() {
      worker.postMessage('stop');
      const [seen] = await once(worker, 'message');
      return seen;
    },
  };
}

class Watch {
  #pid;
  #sockets = new Map();
  #polledAt;
  #settledAt = Infinity;
  #gapMs = 0;

  constructor(pid) {
    this.#pid = pid;
    this.poll();
  }

  settled() {
    this.#settledAt = performance.now();
  }

  /**
   * Every socket that was ever seen: where it was, the longest time it stood still by kind of leak (`stood`), and the same
   * counted from settled() on (`due`). `gapMs` is the longest time between two polls.
   */
  seen() {
    return { sockets: [...this.#sockets.values()], gapMs: this.#gapMs };
  }

  poll() {
    const now = performance.now();
    const first = this.#polledAt === undefined;
    this.#gapMs = Math.max(this.#gapMs, now - (this.#polledAt ?? now));
    this.#polledAt = now;
    const held = heldSockets(processTree(this.#pid));
    for (const [inode, seen] of held) {
      const socket = this.#sockets.get(inode) ?? { inode, stood: {}, due: { ms: 0 }, openAtStart: first };
      this.#sockets.set(inode, socket);
      // In CLOSE the kernel has no ports for it any more: those of before stay.
      Object.assign(socket, seen, { held: true });
      this.#note(socket, seen, now);
    }
    for (const [inode, socket] of this.#sockets) if (!held.has(inode)) socket.held = false;
  }

  #note(socket, seen, now) {
    const kind = leakKind(seen);
    const still = [kind, seen.state, seen.unread, seen.unsent].join();
    if (kind === undefined || socket.still !== still) socket.since = now;
    socket.still = still;
    if (kind === undefined) return;
    const ms = now - socket.since;
    const { state, unread, unsent, peer } = seen;
    if (ms >= (socket.stood[kind]?.ms ?? 0)) socket.stood[kind] = { ms, unsent };
    const dueMs = now - Math.max(socket.since, this.#settledAt);
    if (dueMs > socket.due.ms) socket.due = { kind, ms: dueMs, state, unread, unsent, peer };
  }
}

if (!isMainThread) {
  const watch = new Watch(workerData.pid);
  const timer = setInterval(() => watch.poll(), POLL_MS);
  parentPort.on('message', (message) => {
    if (message === 'settled') return watch.settled();
    clearInterval(timer);
    watch.poll();
    parentPort.postMessage(watch.seen());
    parentPort.close();
  });
  parentPort.postMessage('started');
}
