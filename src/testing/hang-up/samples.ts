import { monotonicMs } from '../../base/clock.js';
import type { Guard, SocketReport } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';

/** A sample costs as much as there are sockets: one that is this young (ms) does for all clients that ask at the same time. */
const YOUNG_MS = 20;

/** What the kernel says of a process's sockets, for many clients. */
export class Samples {
  readonly #guard: Guard;
  /** Ports of each half-closed, reset or stalled socket that was ever seen, by its id. */
  readonly #ports = new Map<string, string>();
  readonly #held: Shared<ReadonlyMap<string, string>>;
  readonly #isAnyAwaitingFin: Shared<boolean>;
  readonly #openEnds = new Map<number, Shared<ReadonlySet<number> | undefined>>();

  constructor(guard: Guard) {
    this.#guard = guard;
    this.#held = new Shared(() => this.#readHeld());
    this.#isAnyAwaitingFin = new Shared(() => internalsOf(guard).socketsAwaitingFin().size > 0);
  }

  /** The id of the half-closed, reset or stalled socket with these ports. @param fresh the sample is to be taken now */
  idAt(localPort: number, remotePort: number, fresh = false): string | undefined {
    return this.#held.read(fresh).get(keyOf({ localPort, remotePort }));
  }

  reportOf(id: string): SocketReport | undefined {
    this.#held.read(true);
    return internalsOf(this.#guard).reportOf(id);
  }

  /** Whether the FIN of a peer on this host is on its way to some socket. */
  isAnyAwaitingFin(): boolean {
    return this.#isAnyAwaitingFin.read();
  }

  /** Whether this end of a connection on this host has not sent its FIN; undefined where the kernel does not tell. */
  isEndOpen(localPort: number, remotePort: number, fresh = false): boolean | undefined {
    let ends = this.#openEnds.get(localPort);
    if (!ends) {
      ends = new Shared(() => internalsOf(this.#guard).openEndsAt(localPort));
      this.#openEnds.set(localPort, ends);
    }
    return ends.read(fresh)?.has(remotePort);
  }

  #readHeld(): Map<string, string> {
    const internals = internalsOf(this.#guard);
    return new Map(
      internals.heldIds().flatMap((id) => {
        const known = this.#ports.get(id);
        if (known !== undefined) return [[known, id]];
        const report = internals.reportOf(id);
        if (!report) return [];
        this.#ports.set(id, keyOf(report));
        return [[keyOf(report), id]];
      }),
    );
  }
}

/** What is read anew when it is no longer young. */
class Shared<T> {
  readonly #read: () => T;
  #last: { readonly value: T; readonly atMs: number } | undefined;

  constructor(read: () => T) {
    this.#read = read;
  }

  read(fresh = false): T {
    if (fresh || !this.#last || monotonicMs() - this.#last.atMs > YOUNG_MS) {
      const value = this.#read();
      this.#last = { value, atMs: monotonicMs() };
    }
    return this.#last.value;
  }
}

function keyOf({ localPort, remotePort }: Pick<SocketReport, 'localPort' | 'remotePort'>): string {
  return `${localPort} ${remotePort}`;
}
