/** What of the kernel may be refused or fail while the guard works on. A closed set: it is a label. */
export const KERNEL_OPERATIONS = [
  /** An announced socket could not be put on the half-close watch; it is read in turn instead. */
  'watch_add',
  /** The half-close watch could not be read, or opened. */
  'watch_wait',
  'fd_walk',
  'sock_diag',
  /** TCP_INFO is refused or empty: the state comes from poll(2). */
  'tcp_info',
  /** SO_COOKIE is refused: sockets are told apart by inode. Or it is refused what a socket is, and nothing is known of it. */
  'cookie',
  /** SIOCINQ or SIOCOUTQ is refused. */
  'queues',
  /** /proc does not tell which process holds a socket. */
  'holders',
] as const;
export type KernelOperation = (typeof KERNEL_OPERATIONS)[number];

/** Hears of what failed. */
export interface FaultSink<Operation extends string> {
  /** @param count how often it failed; nothing is noted of 0 */
  note(operation: Operation, why: unknown, count?: number): void;
}

/** Counts what failed by operation, and passes each on to `say`, which says an operation once. */
export class Faults<Operation extends string> implements FaultSink<Operation> {
  readonly #counts = new Map<Operation, number>();
  readonly #say: (operation: Operation, why: unknown) => void;

  constructor(say: (operation: Operation, why: unknown) => void) {
    this.#say = say;
  }

  note(operation: Operation, why: unknown, count = 1): void {
    if (count === 0) return;
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + count);
    this.#say(operation, why);
  }

  /** The counts since they were last taken; what did not fail is missing. */
  take(): Partial<Record<Operation, number>> {
    const taken = Object.fromEntries(this.#counts) as Partial<Record<Operation, number>>;
    this.#counts.clear();
    return taken;
  }
}
