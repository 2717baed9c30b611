import type { WatchedSocket } from './watched-socket.js';

/** Fewest fds that there is room for. */
const SMALLEST = 256;
/** Numbers from here on, which only dup2(2) gives, are not kept in an array. */
const FAR = 2 ** 20;

/** The watched sockets by their fd: in which order they are visited, and which numbers the walk over the fd table may pass over. */
export class WatchedByFd {
  readonly #far = new Map<number, WatchedSocket>();
  /** Holes are numbers of other files. */
  #sockets: (WatchedSocket | undefined)[] = [];
  /** 1 where there is a socket. */
  #marks = new Uint8Array(SMALLEST);
  #position = 0;
  /** Numbers that are marked for one walk. */
  #alsoMarked: readonly number[] = [];

  /** Returns the one whose fd was given to this socket. */
  set(watched: WatchedSocket): WatchedSocket | undefined {
    const { fd } = watched;
    if (fd >= FAR) {
      const far = this.#far.get(fd);
      this.#far.set(fd, watched);
      return far;
    }
    const before = this.#sockets[fd];
    this.#makeRoomFor(fd);
    // One by one: a hole past the end would make V8 keep the array as a table.
    while (this.#sockets.length <= fd) this.#sockets.push(undefined);
    this.#sockets[fd] = watched;
    this.#marks[fd] = 1;
    return before;
  }

  delete(watched: WatchedSocket): void {
    const { fd } = watched;
    if (this.#far.get(fd) === watched) this.#far.delete(fd);
    if (this.#sockets[fd] !== watched) return;
    this.#sockets[fd] = undefined;
    this.#marks[fd] = 0;
  }

  /** Calls back for the next `count` sockets, once for each where there are no more. Those of far numbers come at once. */
  visit(count: number, each: (watched: WatchedSocket) => void): void {
    const sockets = this.#sockets;
    if (count > 0) this.#far.forEach(each);
    for (let passed = 0, visited = 0; passed < sockets.length && visited < count; passed++) {
      if (this.#position >= sockets.length) this.#position = 0;
      const watched = sockets[this.#position++];
      if (watched === undefined) continue;
      visited++;
      each(watched);
    }
  }

  /** A byte for each number, not 0 for these sockets' and for the numbers given; until the next call. */
  marksWith(fds: readonly number[]): Uint8Array {
    for (const fd of this.#alsoMarked) if (this.#sockets[fd] === undefined) this.#marks[fd] = 0;
    for (const fd of fds) {
      if (fd >= FAR) continue;
      this.#makeRoomFor(fd);
      this.#marks[fd] = 1;
    }
    this.#alsoMarked = fds;
    return this.#marks;
  }

  clear(): void {
    this.#far.clear();
    this.#sockets = [];
    this.#marks = new Uint8Array(SMALLEST);
    this.#alsoMarked = [];
    this.#position = 0;
  }

  #makeRoomFor(fd: number): void {
    if (fd < this.#marks.length) return;
    const larger = new Uint8Array(Math.max(fd + 1, this.#marks.length * 2));
    larger.set(this.#marks);
    this.#marks = larger;
  }
}
