import type { Socket } from 'node:net';
import { GuardError } from '../base/errors.js';
import { fact } from '../base/fact.js';
import type { NativeBinding } from '../kernel/native.js';
import type { SharedSockets } from '../kernel/shared-sockets.js';
import { layersOf } from '../layers/stack.js';
import type { LeakReport } from '../leaks/report.js';
import type { Suspect } from '../sockets/suspect.js';
import { isThenable } from './callbacks.js';
import type { LeakFacts } from './leak-facts.js';
import type { ReclaimPolicy } from './reclaim-options.js';
import { readerStandsStill } from './standstill.js';

/** Decides which leaks the guard may end. */
export class Reclaimer {
  readonly #policy: ReclaimPolicy;
  readonly #onFilterFailed: (error: unknown) => void;

  constructor(policy: ReclaimPolicy, onFilterFailed: (error: unknown) => void) {
    this.#policy = policy;
    this.#onFilterFailed = onFilterFailed;
  }

  get afterMs(): number {
    return this.#policy.afterMs;
  }

  /** The application's filter has the last word, and is asked only for what would be ended. */
  mayEnd(facts: LeakFacts, suspect: Suspect, report: LeakReport, sharedSockets: () => SharedSockets): boolean {
    const { fd, socket, transfers } = suspect;
    return (
      this.#policy.kinds.has(report.kind) &&
      facts.routeAllowsReclaim &&
      socket !== undefined &&
      fact(() => readerStandsStill(facts, socket), false) &&
      fact(() => !transfers.mayBeUnderWay(suspect), false) &&
      !sharedSockets().has(fd) &&
      this.#filterSaysYes(report)
    );
  }

  #filterSaysYes(report: LeakReport): boolean {
    const { filter } = this.#policy;
    if (!filter) return true;
    try {
      const answer: unknown = filter(report);
      if (!isThenable(answer)) return answer === true;
      answer.then(undefined, this.#onFilterFailed);
      this.#onFilterFailed(
        new TypeError('reclaim.filter returned a promise; only true reclaims, so it must not be async'),
      );
    } catch (error) {
      this.#onFilterFailed(error);
    }
    return false;
  }
}

/**
 * Destroys a leak, as the application should have done: handlers see 'close', pools forget it. The error goes with it only
 * where somebody listens, since an 'error' event without a listener ends the process.
 *
 * The connection is aborted (RST), not closed: an orderly close would leave it in LAST_ACK, with its port pair taken as
 * before, where the peer's end has expired and nobody answers the FIN.
 */
export function endLeak(binding: NativeBinding, raw: Socket, cookie: bigint, leak: LeakReport): void {
  // An errno here means an orderly close, which is what there was without it.
  binding.abortOnClose(leak.fd, BigUint64Array.of(cookie));
  closeLeak(raw, leak, 'reclaimed');
}

/** Destroys a leak, and leaves to the kernel how its connection ends: a client that is still there hears what it would of its owner. */
export function closeLeak(raw: Socket, leak: LeakReport, done = 'ended'): void {
  const error = new GuardError('CWG_ERR_RECLAIMED', `close-wait-guard ${done} a leaked socket: ${leak.explanation}`);
  layersOf(raw, leak.side).at(-1)?.end(error);
}
