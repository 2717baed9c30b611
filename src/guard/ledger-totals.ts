import type { Server } from 'node:net';
import { fact } from '../base/fact.js';
import type { Side } from '../base/vocabulary.js';
import type { LedgerEntry } from './ledger.js';
import type { GuardStats } from './stats.js';

type HalfClosedTotals = Pick<GuardStats, 'halfClosed' | 'oldestMs' | 'unreadBytes' | 'portCollisionRatio'>;

/** Sockets in CLOSE_WAIT of one server and side. */
interface HalfClosedCount {
  readonly side: Side;
  readonly server: Server | undefined;
  count: number;
}

/** Leaks by peer, on one listening port. */
type LeaksByPeer = Map<string, number>;

/** What one socket adds to the totals. */
export interface Share {
  readonly halfClosedAtMs: number;
  readonly halfClosed: HalfClosedCount | undefined;
  readonly unreadBytes: number;
  readonly peers: LeaksByPeer | undefined;
  readonly peer: string;
}

/**
 * Every half-closed, reset or stalled socket of a guard in numbers, as it was last read. Each socket's share is put right when
 * it is read, so that a scrape visits none of them: there may be thousands, and memory that nobody has touched is slow.
 */
export class LedgerTotals {
  readonly #halfClosed: HalfClosedCount[] = [];
  /** By port, then by peer. A connection that we opened is left out: the kernel chooses a free port for it by itself. */
  readonly #peers = new Map<number | undefined, LeaksByPeer>();
  #unreadBytes = 0;
  #oldestAtMs: number | undefined;
  /** The oldest socket is gone: who is next has not been looked up yet. */
  #oldestIsGone = false;

  /** What an entry adds now, in place of what it added before. */
  replace(before: Share | undefined, entry: LedgerEntry | undefined): Share | undefined {
    if (before) this.#takeOff(before);
    const share = entry && this.#shareOf(entry);
    if (share) this.#add(share);
    return share;
  }

  /**
   * @param ageMs of a socket that was closed at that moment
   * @param entries of the ledger; visited only when the oldest socket has gone since this was last asked
   * @param ephemeralPortCount of this host; a peer's is taken to be the same
   */
  read(
    entries: Iterable<LedgerEntry>,
    ageMs: (halfClosedAtMs: number) => number,
    nameOf: (server: Server) => string,
    ephemeralPortCount: number,
  ): HalfClosedTotals {
    if (this.#oldestIsGone) this.#findOldest(entries);
    let worst = 0;
    for (const peers of this.#peers.values()) for (const count of peers.values()) worst = Math.max(worst, count);
    return {
      halfClosed: byName(this.#halfClosed, nameOf),
      oldestMs: this.#oldestAtMs === undefined ? 0 : Math.max(0, ageMs(this.#oldestAtMs)),
      unreadBytes: this.#unreadBytes,
      portCollisionRatio: Math.min(1, worst / ephemeralPortCount),
    };
  }

  #shareOf({ track, suspect, counted, ignored }: LedgerEntry): Share | undefined {
    if (!track || track.kind === 'closing') return undefined;
    const collides = counted && counted.side !== 'outbound' && counted.remoteAddress !== undefined;
    return {
      // An alert on the oldest is not to go off for what is ignored.
      halfClosedAtMs: ignored ? Number.POSITIVE_INFINITY : track.halfClosedAtMs,
      halfClosed: track.kind === 'close-wait' ? this.#halfClosedOf(suspect.side, suspect.server) : undefined,
      unreadBytes: counted ? Math.max(0, suspect.record.unreadBytes) + suspect.progress.bufferedBytes : 0,
      peers: collides ? this.#peersOf(counted.localPort) : undefined,
      peer: counted?.remoteAddress ?? '',
    };
  }

  #add({ halfClosedAtMs, halfClosed, unreadBytes, peers, peer }: Share): void {
    if (halfClosed) halfClosed.count++;
    this.#unreadBytes += unreadBytes;
    peers?.set(peer, (peers.get(peer) ?? 0) + 1);
    this.#oldestAtMs = Math.min(this.#oldestAtMs ?? halfClosedAtMs, halfClosedAtMs);
  }

  #takeOff({ halfClosedAtMs, halfClosed, unreadBytes, peers, peer }: Share): void {
    if (halfClosed) halfClosed.count--;
    this.#unreadBytes -= unreadBytes;
    const left = (peers?.get(peer) ?? 0) - 1;
    if (left > 0) peers?.set(peer, left);
    else peers?.delete(peer);
    if (halfClosedAtMs === this.#oldestAtMs) this.#oldestIsGone = true;
  }

  #findOldest(entries: Iterable<LedgerEntry>): void {
    this.#oldestIsGone = false;
    this.#oldestAtMs = undefined;
    for (const { share } of entries) {
      if (share) this.#oldestAtMs = Math.min(this.#oldestAtMs ?? share.halfClosedAtMs, share.halfClosedAtMs);
    }
  }

  /** There are few of these, so a search costs less than a key. */
  #halfClosedOf(side: Side, server: Server | undefined): HalfClosedCount {
    let found = this.#halfClosed.find((each) => each.server === server && each.side === side);
    if (found) return found;
    // Those of servers that are gone give way.
    const kept = this.#halfClosed.filter(({ count }) => count > 0);
    found = { side, server, count: 0 };
    this.#halfClosed.splice(0, Infinity, ...kept, found);
    return found;
  }

  #peersOf(port: number | undefined): LeaksByPeer {
    let peers = this.#peers.get(port);
    if (!peers) {
      for (const [each, { size }] of this.#peers) if (size === 0) this.#peers.delete(each);
      this.#peers.set(port, (peers = new Map<string, number>()));
    }
    return peers;
  }
}

/** Servers of one name, as those of an application that listens on several addresses, are one. */
function byName(
  counts: readonly HalfClosedCount[],
  nameOf: (server: Server) => string,
): HalfClosedTotals['halfClosed'] {
  const named: { side: Side; server: string; count: number }[] = [];
  for (const { side, server, count } of counts) {
    if (count === 0) continue;
    const name = server === undefined ? '' : fact(() => nameOf(server), '');
    const found = named.find((each) => each.server === name && each.side === side);
    if (found) found.count += count;
    else named.push({ side, server: name, count });
  }
  return named;
}
