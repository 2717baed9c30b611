import type { Server } from 'node:net';
import { isMainThread } from 'node:worker_threads';
import type { FaultSink } from '../kernel/faults.js';
import type { NativeBinding } from '../kernel/native.js';
import { sockDiagRefused } from '../kernel/self-check.js';
import type { DumpedSocket } from '../kernel/sock-diag.js';
import type { AcceptedCookies } from './accepted-cookies.js';
import { ForeignSockets, suspectOfForeign, type ForeignSample } from './foreign-sockets.js';
import type { Suspect } from './suspect.js';
import type { Transfers } from './transfers.js';

/** Bounds what is remembered of other processes; what is forgotten is asked about once more. */
const MAX_ANSWERED_FOR = 10_000;

export interface ForeignRead {
  readonly suspects: readonly Suspect[];
  /** Cookies of those that were there in the sample before, and are not now. */
  readonly closed: readonly bigint[];
}

/** The half-closed connections of our listeners that only another process still holds, and that are reported here. */
export class HeldElsewhere {
  readonly #foreign: ForeignSockets;
  readonly #faults: FaultSink<'sock_diag'>;
  readonly #serverOnPort: (port: number) => Server | undefined;
  readonly #transfers: Transfers;
  /** As of the last sample. */
  #held: ReadonlyMap<bigint, DumpedSocket> = new Map();
  /** Cookies of sockets that another process's guard answers for. */
  readonly #answeredFor = new Set<bigint>();

  constructor(
    binding: NativeBinding,
    accepted: AcceptedCookies,
    faults: FaultSink<'sock_diag'>,
    serverOnPort: (port: number) => Server | undefined,
    transfers: Transfers,
  ) {
    this.#foreign = new ForeignSockets(binding, accepted);
    this.#faults = faults;
    this.#serverOnPort = serverOnPort;
    this.#transfers = transfers;
  }

  /** Until when a sample finds nothing here; -Infinity where the last one has found something. */
  quietUntilMs(everyMs: number): number {
    if (!isMainThread) return Number.POSITIVE_INFINITY;
    return this.#held.size > 0 ? Number.NEGATIVE_INFINITY : this.#foreign.quietUntilMs(everyMs);
  }

  sample(how: ForeignSample): ForeignRead {
    // Every thread sees the same children and the same namespace: they are the main thread's to report.
    if (!isMainThread) return { suspects: [], closed: [] };
    let found: readonly DumpedSocket[];
    try {
      found = this.#foreign.find(how);
    } catch (error) {
      this.#faults.note('sock_diag', sockDiagRefused(error));
      return { suspects: [], closed: [] };
    }
    const before = this.#held;
    const held = found.filter(({ cookie }) => !this.#answeredFor.has(cookie));
    this.#held = new Map(held.map((dumped) => [dumped.cookie, dumped]));
    return { suspects: this.#read(held), closed: [...before.keys()].filter((cookie) => !this.#held.has(cookie)) };
  }

  /** As the last sample found them. */
  these(cookies: ReadonlySet<bigint>): Suspect[] {
    return this.#read([...this.#held.values()].filter(({ cookie }) => cookies.has(cookie)));
  }

  /** Another process's guard answers for it. */
  isAnsweredFor(cookie: bigint): void {
    if (this.#answeredFor.size >= MAX_ANSWERED_FOR) this.#answeredFor.clear();
    this.#answeredFor.add(cookie);
  }

  #read(held: readonly DumpedSocket[]): Suspect[] {
    return held.map((dumped) => suspectOfForeign(dumped, this.#serverOnPort(dumped.localPort), this.#transfers));
  }
}
