import { monotonicMs } from '../../base/clock.js';
import type { Guard, SocketReport } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { wasIdleAtDeadline } from '../check/leak-rule.js';
import { turn, waitUntil } from '../check/wait.js';
import type { Client } from './client.js';

/**
 * Behind a full window the FIN does not arrive, and the kernel takes its time to call a window full: the sender holds back
 * what would fill it, until its persist timer (200 ms and more, RFC 9293 3.8.6.1) has it try.
 */
const FULL_WINDOW_MS = 1_000;

/** The server's end of a client's connection, found by its ports, whichever process has it. */
export class ServerEnd {
  /** The kernel shows it, as the server is on this host. Otherwise only what the client sees is known. */
  readonly isVisible: boolean;
  readonly #guard: Guard;
  readonly #client: Client;
  readonly #localPort: number;
  readonly #remotePort: number;

  /** Made while the client is connected: afterwards it has no ports. */
  constructor(guard: Guard, client: Client) {
    this.#guard = guard;
    this.#client = client;
    this.#localPort = client.remotePort ?? 0;
    this.#remotePort = client.localPort ?? 0;
    this.isVisible = internalsOf(guard).isEndOpen(this.#localPort, this.#remotePort) === true;
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
    let held: SocketReport | undefined;
    const isClosed = (): boolean => {
      held = this.#held();
      // A socket that was reset is in no table of the kernel, and its fd may still be open.
      if (held === undefined && !this.#isOpen()) closedAtMs = monotonicMs();
      return closedAtMs !== undefined;
    };
    // The client's shutdown(2) is made in a turn of its own.
    await turn();
    await waitUntil(
      () => isClosed() || held !== undefined || internalsOf(this.#guard).socketsAwaitingFin().size === 0,
      Math.max(deadlineMs, FULL_WINDOW_MS),
    );
    await waitUntil(isClosed, deadlineMs);
    if (held === undefined || !wasIdleAtDeadline(held, deadlineMs) || (peerStays && held.kind === 'stalled')) {
      return { closedAtMs, leak: undefined };
    }
    return { closedAtMs, leak: asLeak(held) };
  }

  #held(): SocketReport | undefined {
    return this.#guard
      .sockets()
      .find(({ localPort, remotePort }) => localPort === this.#localPort && remotePort === this.#remotePort);
  }

  #isOpen(): boolean {
    if (!this.isVisible) return !this.#client.ended;
    // Where the kernel refuses to say, what the client sees is left.
    return internalsOf(this.#guard).isEndOpen(this.#localPort, this.#remotePort) ?? !this.#client.ended;
  }
}
