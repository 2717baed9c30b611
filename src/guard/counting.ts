import type { Server } from 'node:net';
import { fact } from '../base/fact.js';
import type { Side } from '../base/vocabulary.js';
import type { LeakTracker } from '../leaks/tracker.js';
import type { Ledger, LedgerEntry } from './ledger.js';
import type { GuardStats } from './stats.js';

type HalfClosedCounts = Pick<GuardStats, 'halfClosed' | 'oldestMs' | 'unreadBytes' | 'portCollisionRatio'>;

/**
 * Every half-closed, reset or stalled socket of a guard in numbers, as it was last read. One pass that describes no socket and
 * makes no object for one: there may be thousands.
 *
 * @param ephemeralPortCount of this host; a peer's is taken to be the same
 */
export function countLedger(
  ledger: Ledger,
  tracker: LeakTracker<LedgerEntry>,
  nameOf: (server: Server) => string,
  ephemeralPortCount: number,
): HalfClosedCounts {
  const halfClosed = new HalfClosedByServer(nameOf);
  const collisions = new Collisions();
  let oldestMs = 0;
  let unreadBytes = 0;
  for (const entry of ledger.entries()) {
    const { track, suspect } = entry;
    if (!track || track.kind === 'closing') continue;
    if (!entry.ignored) oldestMs = Math.max(oldestMs, tracker.ageMs(track));
    if (track.kind === 'close-wait') halfClosed.add(suspect.side, suspect.server);
    if (!entry.counted) continue;
    unreadBytes += Math.max(0, suspect.record.unreadBytes) + suspect.progress.bufferedBytes;
    collisions.add(entry);
  }
  return {
    halfClosed: halfClosed.counts,
    oldestMs,
    unreadBytes,
    portCollisionRatio: Math.min(1, collisions.worst / ephemeralPortCount),
  };
}

class HalfClosedByServer {
  readonly counts: { side: Side; server: string; count: number }[] = [];
  readonly #nameOf: (server: Server) => string;
  readonly #names = new Map<Server, string>();

  constructor(nameOf: (server: Server) => string) {
    this.#nameOf = nameOf;
  }

  add(side: Side, server: Server | undefined): void {
    const name = server === undefined ? '' : this.#name(server);
    // There are few of these, so a search costs less than a key.
    let found = this.counts.find((each) => each.server === name && each.side === side);
    if (!found) this.counts.push((found = { side, server: name, count: 0 }));
    found.count++;
  }

  #name(server: Server): string {
    let name = this.#names.get(server);
    if (name === undefined) this.#names.set(server, (name = fact(() => this.#nameOf(server), '')));
    return name;
  }
}

/** The most leaks that one peer has on one listening port. */
class Collisions {
  worst = 0;
  /** By port, then by peer: a key of both would be made for each of thousands. */
  readonly #perPort = new Map<number | undefined, Map<string, number>>();

  add({ counted }: LedgerEntry): void {
    // A connection that we opened collides on our ports, of which the kernel chooses a free one by itself.
    if (counted === undefined || counted.side === 'outbound' || counted.remoteAddress === undefined) return;
    let perPeer = this.#perPort.get(counted.localPort);
    if (!perPeer) this.#perPort.set(counted.localPort, (perPeer = new Map<string, number>()));
    const count = (perPeer.get(counted.remoteAddress) ?? 0) + 1;
    perPeer.set(counted.remoteAddress, count);
    if (count > this.worst) this.worst = count;
  }
}
