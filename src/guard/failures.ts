import { takeFactFailures } from '../base/fact.js';
import type { SocketTable } from '../sockets/socket-table.js';
import { GUARD_OPERATIONS, type GuardOperation } from './stats.js';
import { warnFailure } from './warnings.js';

/** What a guard kept from the application: counted by operation, and the first of each is a process warning. */
export class Failures {
  readonly #counts = Object.fromEntries(GUARD_OPERATIONS.map((name) => [name, 0])) as Record<GuardOperation, number>;

  get counts(): Readonly<Record<GuardOperation, number>> {
    return { ...this.#counts };
  }

  note(operation: GuardOperation, error: unknown): void {
    this.#counts[operation]++;
    warnFailure(operation, error);
  }

  /** Adds what was counted elsewhere since the last call. */
  takeNoted(table: SocketTable | undefined): void {
    const facts = takeFactFailures();
    if (facts.count > 0) {
      this.#counts.fact += facts.count;
      warnFailure('fact', facts.first);
    }
    const taken = table?.takeErrors();
    if (!taken) return;
    for (const [operation, count] of Object.entries(taken)) this.#counts[operation as keyof typeof taken] += count;
  }
}
