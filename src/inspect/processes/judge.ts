import type { LeakKind } from '../../base/vocabulary.js';
import type { Look } from './look.js';
import { kindOf, type InspectedSocket } from './socket.js';

/** A socket that looks leaked, and what the watch has made of it. */
export interface JudgedSocket extends InspectedSocket {
  readonly kind: LeakKind;
}

export interface Judgement {
  /** Half-closed, reset or stalled at both looks, and no progress between them. */
  readonly leaks: readonly JudgedSocket[];
  /** No progress either, and innocent perhaps: `whyUndecided` says what held them up. */
  readonly undecided: readonly JudgedSocket[];
  /** A sentence each. */
  readonly whyUndecided: readonly string[];
  /** Half-closed, reset or stalled at one of the looks, and not leaked: they made progress, or are newer than the first. */
  readonly moving: readonly JudgedSocket[];
  /** The others, as the last look has them. */
  readonly healthy: readonly InspectedSocket[];
}

/** A main thread that computes cannot close a socket; what has been quiet for longer than anyone computes is leaked all the same. */
const LONGEST_COMPUTATION_MS = 60_000;
const STOPPED = 'The process is stopped (by a signal or a debugger): nothing in it can make progress.';
const BUSY = `Its main thread computed all the while and waited for nothing: what has been quiet for less than ${LONGEST_COMPUTATION_MS / 1_000} s may be closed yet. Watch for longer with --timeout.`;
const FEEDING =
  'It writes to peers that read slowly meanwhile: a stalled socket may wait for one of those, as the upstream of a download does. Watch for longer with --timeout.';

/** By what two looks, the same one twice where nothing was watched, tell of the sockets. */
export function judge(first: Look, last: Look): Judgement {
  const before = new Map(first.sockets.map((socket) => [socket.inode, socket]));
  const leaks: JudgedSocket[] = [];
  const undecided: JudgedSocket[] = [];
  const moving: JudgedSocket[] = [];
  const healthy: InspectedSocket[] = [];
  const reasons = new Set<string>();
  const excuseOf = excuses(first, last, before);
  for (const socket of last.sockets) {
    const kind = kindOf(socket);
    if (kind === undefined) {
      healthy.push(socket);
      continue;
    }
    const judged = { ...socket, kind };
    const earlier = before.get(socket.inode);
    if (!earlier || kindOf(earlier) !== kind || hasMoved(earlier, socket)) {
      moving.push(judged);
      continue;
    }
    const excuse = excuseOf(judged);
    (excuse === undefined ? leaks : undecided).push(judged);
    if (excuse !== undefined) reasons.add(excuse);
  }
  for (const list of [leaks, undecided, moving]) list.sort(byAge);
  return { leaks, undecided, whyUndecided: [...reasons], moving, healthy };
}

/** What may have held up a socket that made no progress; undefined where nothing has. */
function excuses(
  first: Look,
  last: Look,
  before: ReadonlyMap<number, InspectedSocket>,
): (socket: JudgedSocket) => string | undefined {
  if (first.main.isStopped || last.main.isStopped) return () => STOPPED;
  const watchedMs = last.atMs - first.atMs;
  const computedMs = last.main.cpuMs - first.main.cpuMs;
  const isBusy = watchedMs > 0 && computedMs >= 0.9 * watchedMs && first.main.waits === last.main.waits;
  const isFeeding = last.sockets.some((socket) => isFedSlowly(before.get(socket.inode), socket));
  return (socket) => {
    if (isBusy && quietMs(socket) < LONGEST_COMPUTATION_MS) return BUSY;
    return socket.kind === 'stalled' && isFeeding ? FEEDING : undefined;
  };
}

/** Any change but of times and of the window: bytes that came, were read, written or acknowledged, or another state. */
export function hasMoved(before: InspectedSocket, after: InspectedSocket): boolean {
  return WHAT_MOVES.some((field) => before[field] !== after[field]);
}

const WHAT_MOVES = ['id', 'state', 'receiveQueue', 'sendQueue', 'bytesReceived', 'bytesAcked'] as const;

/** It has more to send than the peer takes, and the peer takes some: whatever feeds it is held up, and alive. */
function isFedSlowly(before: InspectedSocket | undefined, after: InspectedSocket): boolean {
  if (!before || (before.unsentBytes ?? 0) === 0 || (after.unsentBytes ?? 0) === 0) return false;
  return before.bytesAcked !== after.bytesAcked || before.sendQueue !== after.sendQueue;
}

/** The oldest first: whoever was not heard of for longest. */
function byAge(one: JudgedSocket, other: JudgedSocket): number {
  return quietMs(other) - quietMs(one) || one.fd - other.fd;
}

/** How long nothing was heard of the peer, -1 where the kernel does not tell: a lower bound of the age. */
export function quietMs({ kind, lastAckReceivedMs, lastDataReceivedMs }: JudgedSocket): number {
  // The peer of a stalled socket probes the window, and each probe is an ACK.
  const told = kind === 'stalled' ? lastDataReceivedMs : lastAckReceivedMs;
  return told ?? -1;
}
