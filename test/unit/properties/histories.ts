import fc from 'fast-check';
import type { LeakKind } from '../../../src/base/vocabulary.js';
import type { Observation } from '../../support/tracked-sockets.js';

/** What becomes of one socket between two looks. */
export type Move =
  | { readonly what: 'nothing' }
  | { readonly what: 'read' | 'take' | 'ack'; readonly bytes: number }
  | { readonly what: 'receive'; readonly bytes: number }
  | { readonly what: 'turn'; readonly kind: LeakKind | 'closing'; readonly state: number }
  | { readonly what: 'close' }
  | { readonly what: 'forget' };

export interface Look {
  /** Since the last look. Negative: the clock was read out of order. */
  readonly elapsedMs: number;
  /** Share of it in which the event loop could act; 0 is a blocked loop. */
  readonly ableShare: number;
  /** One for each socket there is, in order of birth; a socket without one does nothing. */
  readonly moves: readonly Move[];
  readonly born: readonly Birth[];
  /** Which of the sockets are read, in order of birth and round and round: a sample need not read all. */
  readonly reads: readonly boolean[];
  /** Whether the caller counts what is due as leaks. */
  readonly counts: boolean;
}

export interface Birth {
  readonly kind: LeakKind;
  readonly lastAckAgeMs: number;
  /** Before the look, or 0 for one never seen open. */
  readonly openBeforeMs: number | undefined;
  readonly readBytes: number;
  readonly bufferedBytes: number;
  readonly ackedBytes: number;
}

const bytes = fc.integer({ min: 1, max: 100_000 });
const KINDS: Record<LeakKind | 'closing', number> = { stalled: 1, reset: 7, 'close-wait': 8, closing: 9 };

const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 12, arbitrary: fc.constant<Move>({ what: 'nothing' }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('read', 'take', 'ack'), bytes }) },
  // More bytes in the queue are the peer's doing, not ours.
  { weight: 1, arbitrary: fc.record({ what: fc.constant('receive'), bytes }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom<LeakKind | 'closing'>('stalled', 'reset', 'close-wait', 'closing')
      .map((kind): Move => ({ what: 'turn', kind, state: KINDS[kind] })),
  },
  { weight: 1, arbitrary: fc.constant<Move>({ what: 'close' }) },
  { weight: 1, arbitrary: fc.constant<Move>({ what: 'forget' }) },
);

const birth: fc.Arbitrary<Birth> = fc.record({
  kind: fc.constantFrom<LeakKind>('close-wait', 'reset', 'stalled'),
  lastAckAgeMs: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 1_000_000 })),
  openBeforeMs: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined }),
  readBytes: fc.nat(1_000_000),
  bufferedBytes: fc.nat(100_000),
  ackedBytes: fc.nat(1_000_000),
});

const look: fc.Arbitrary<Look> = fc.record({
  elapsedMs: fc.oneof(
    { weight: 9, arbitrary: fc.nat(400) },
    { weight: 1, arbitrary: fc.integer({ min: -50, max: 0 }) },
  ),
  ableShare: fc.oneof(
    { weight: 4, arbitrary: fc.constant(1) },
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
  ),
  moves: fc.array(move, { maxLength: 8 }),
  born: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(birth, { minLength: 1, maxLength: 3 }) },
  ),
  reads: fc.oneof(
    { weight: 2, arbitrary: fc.constant([true]) },
    { weight: 1, arbitrary: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }) },
  ),
  counts: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

export const history = fc.record({
  timeoutMs: fc.integer({ min: 1, max: 1_500 }),
  looks: fc.array(look, { minLength: 1, maxLength: 60 }),
});

/** A socket as the world has it: it knows when it last made progress, on the clock of the able event loop. */
export interface LiveSocket {
  observation: Observation;
  /** It has been read at least once. */
  known: boolean;
  /** Progress that no sample has read yet. */
  unread: boolean;
  /** No leak can be due before this and a time-out: the look before its first one, or its last progress. */
  notDueBeforeAbleMs: number;
  /** It is due from this and a time-out on: the look of its first sight, or of its last progress. */
  surelyIdleSinceAbleMs: number;
}

/** Makes the move and says whether it was progress: bytes read, taken or acknowledged, or another state. */
export function play(socket: LiveSocket, action: Move): boolean {
  const { observation } = socket;
  switch (action.what) {
    case 'read':
      socket.observation = { ...observation, readBytes: observation.readBytes + action.bytes };
      return true;
    case 'ack':
      socket.observation = { ...observation, ackedBytes: observation.ackedBytes + action.bytes };
      return true;
    case 'take': {
      const bufferedBytes = Math.max(0, observation.bufferedBytes - action.bytes);
      const progressed = bufferedBytes < observation.bufferedBytes;
      socket.observation = { ...observation, bufferedBytes };
      return progressed;
    }
    case 'receive':
      socket.observation = { ...observation, bufferedBytes: observation.bufferedBytes + action.bytes };
      return false;
    case 'turn':
      socket.observation = { ...observation, kind: action.kind, state: action.state };
      return action.state !== observation.state;
    default:
      return false;
  }
}

export function bear({ kind, openBeforeMs, ...rest }: Birth, id: bigint, nowMs: number): Observation {
  const openAtMs = openBeforeMs === undefined ? 0 : Math.max(0, nowMs - openBeforeMs);
  return { id, kind, state: KINDS[kind], openAtMs, pipedBytes: 0, drainedBytes: undefined, ...rest };
}
