import { monotonicMs } from '../../base/clock.js';
import { asLeak } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { wasIdleAtDeadline } from '../check/leak-rule.js';
import { turn, waitUntil } from '../check/wait.js';
import type { Client } from './client.js';
import type { Samples } from './samples.js';

/**
 * Behind a full window the FIN does not arrive, and the kernel takes its time to call a window full: the sender holds back
 * what would fill it, until its persist timer (200 ms and more, RFC 9293 3.8.6.1) has it try.
 */
const FULL_WINDOW_MS = 1_000;

/** The server's end of a client's connection, found by its ports, whichever process has it. */
export class ServerEnd {
  /** The kernel shows it, as the server is on this host. Otherwise only what the client sees is known. */
  readonly isVisible: boolean;
  readonly #samples: Samples;
  readonly #client: Client;
  readonly #localPort: number;
  readonly #remotePort: number;

  /** Made while the client is connected: afterwards it has no ports. */
  constructor(samples: Samples, client: Client) {
    this.#samples = samples;
    this.#client = client;
    this.#localPort = client.remotePort ?? 0;
    this.#remotePort = client.localPort ?? 0;
    this.isVisible = samples.isEndOpen(this.#localPort, this.#remotePort, true) === true;
  }

  /**
   * Waits until it is closed and freed, or `deadlineMs` is over. What is open and idle then is a leak; behind a full window
   * only where the client has closed its end, and not where it keeps it (`peerStays`).
   */
  async settle(
    peerStays: boolean,
    deadlineMs: number,
  ): Promise<{ closedAtMs: number | undefined; leak: LeakReport | undefined }> {
    let closedAtMs: number | undefined;
    const isClosed = (): boolean => {
      // What others have just read says that it is there, and never that it is not: it may be younger.
      if (!this.#isThere(false) && !this.#isThere(true)) closedAtMs = monotonicMs();
      return closedAtMs !== undefined;
    };
    // The client's shutdown(2) is made in a turn of its own.
    await turn();
    await waitUntil(
      () => isClosed() || this.#id(false) !== undefined || !this.#samples.isAnyAwaitingFin(),
      Math.max(deadlineMs, FULL_WINDOW_MS),
    );
    await waitUntil(isClosed, deadlineMs);
    const id = closedAtMs === undefined ? this.#id(true) : undefined;
    const held = id === undefined ? undefined : this.#samples.reportOf(id);
    if (held === undefined || !wasIdleAtDeadline(held, deadlineMs) || (peerStays && held.kind === 'stalled')) {
      return { closedAtMs, leak: undefined };
    }
    return { closedAtMs, leak: asLeak(held) };
  }

  /** A socket that was reset is in no table of the kernel, and its fd may still be open. */
  #isThere(fresh: boolean): boolean {
    // Asked first, as how long a socket stands still is counted from sample to sample; and last, as it may have been reset since.
    return this.#id(fresh) !== undefined || this.#isOpen(fresh) || this.#id(fresh) !== undefined;
  }

  #id(fresh: boolean): string | undefined {
    return this.#samples.idAt(this.#localPort, this.#remotePort, fresh);
  }

  #isOpen(fresh: boolean): boolean {
    if (!this.isVisible) return !this.#client.ended;
    // Where the kernel refuses to say, what the client sees is left.
    return this.#samples.isEndOpen(this.#localPort, this.#remotePort, fresh) ?? !this.#client.ended;
  }
}
