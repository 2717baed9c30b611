import { monotonicMs } from '../base/clock.js';
import type { NativeBinding } from './native.js';
import { isTransient, ProcScan, watchesOf, type ProcessFds } from './proc-scan.js';

/** Another process that holds a socket, and the fd that it is there. */
export interface Holder {
  readonly pid: number;
  readonly fd: number;
}

/** Who, but for a JS socket of this thread, answers for a socket. */
export type HolderAnswer =
  /** A guard of another thread or process follows it, and reports it. */
  | { readonly answer: 'elsewhere' }
  /** No other guard follows it. `holder` is the other process that has it, where there is one and /proc shows it. */
  | { readonly answer: 'here-or-nowhere'; readonly holder?: Holder }
  /** Not known yet: it is not reported in this sample, and asked about again in the next. */
  | { readonly answer: 'not-yet' };

const NOT_YET: HolderAnswer = { answer: 'not-yet' };
const ELSEWHERE: HolderAnswer = { answer: 'elsewhere' };

/** How long a sample may read /proc, ms. */
const SLICE_MS = 2;

/**
 * Answers for sockets without a JS socket in this thread whether a guard elsewhere reports them, so that nothing is reported
 * twice.
 *
 * Of this process the addon knows it, for all threads: that answer is exact and immediate, and needs no /proc. Of other
 * processes /proc tells it (proc_pid_fd(5), proc_pid_fdinfo(5)): one pass over all of them for all sockets asked about, in
 * slices of {@link SLICE_MS} a sample. Where the process has no fd left to read /proc with (EMFILE) the answer is `not-yet`
 * for as long as that lasts: a report that comes late is better than one that comes twice. Where /proc is never readable
 * (not mounted, `--permission`) nobody can be asked: such a socket is reported here.
 */
export class Holders {
  readonly #binding: NativeBinding;
  readonly #onFault: (error: unknown) => void;
  /** Inodes that the next pass looks for. */
  #asked = new Set<number>();
  #pass: { readonly scan: ProcScan; readonly wanted: ReadonlySet<number> | undefined } | undefined;
  /** What the last complete pass found. */
  #known: { readonly wanted: ReadonlySet<number> | undefined; readonly holders: Holdings } | undefined;
  #whole = false;

  /** `onFault` hears of each failed attempt to read /proc. */
  constructor(binding: NativeBinding, onFault: (error: unknown) => void) {
    this.#binding = binding;
    this.#onFault = onFault;
  }

  /**
   * Call once at the beginning of each sample. `whole`: whatever is asked in this sample is answered in it, whatever that
   * costs: for tests and on-demand guards.
   */
  beginSample(whole = false): void {
    this.#whole = whole;
    if (whole) {
      // What an earlier sample found may have changed since.
      this.#endPass();
      this.#known = undefined;
      return;
    }
    if (!this.#pass && this.#asked.size > 0) this.#startPass(this.#asked);
    this.#advance(monotonicMs() + SLICE_MS);
  }

  /** `foreignInode`: the inode of a socket that only another process has; undefined when this process has it. */
  lookUp(cookie: bigint, foreignInode: number | undefined): HolderAnswer {
    if (this.#binding.findWatched(BigUint64Array.of(cookie), new Uint8Array(1)) > 0) return ELSEWHERE;
    if (foreignInode === undefined) return { answer: 'here-or-nowhere' };
    if (this.#whole && !this.#known) {
      if (!this.#pass) this.#startPass(undefined);
      this.#advance(Number.POSITIVE_INFINITY);
    }
    const known = this.#known;
    if (!known || !(known.wanted?.has(foreignInode) ?? true)) {
      if (!this.#pass?.wanted?.has(foreignInode)) this.#asked.add(foreignInode);
      return NOT_YET;
    }
    return this.#judge(cookie, foreignInode, known.holders.get(foreignInode) ?? []);
  }

  /** Ends a pass that is under way. */
  close(): void {
    this.#endPass();
    this.#asked.clear();
    this.#known = undefined;
  }

  #judge(cookie: bigint, inode: number, holders: readonly ProcessFds[]): HolderAnswer {
    try {
      if (holders.some((holder) => watchesOf(holder).has(cookie))) return ELSEWHERE;
    } catch (error) {
      this.#onFault(error);
      return NOT_YET;
    }
    const [first] = holders;
    const fd = first?.socketFds.get(inode);
    return first && fd !== undefined
      ? { answer: 'here-or-nowhere', holder: { pid: first.pid, fd } }
      : { answer: 'here-or-nowhere' };
  }

  #startPass(wanted: Set<number> | undefined): void {
    this.#pass = { scan: new ProcScan(wanted), wanted };
    if (wanted === this.#asked) this.#asked = new Set();
  }

  #advance(deadlineMs: number): void {
    const { scan, wanted } = this.#pass ?? {};
    if (!scan) return;
    try {
      if (!scan.run(deadlineMs)) return;
      this.#known = { wanted, holders: scan.holders };
    } catch (error) {
      this.#onFault(error);
      if (isTransient(error)) for (const inode of wanted ?? []) this.#asked.add(inode);
      else this.#known = { wanted, holders: new Map() };
    }
    this.#endPass();
  }

  #endPass(): void {
    this.#pass?.scan.close();
    this.#pass = undefined;
  }
}

type Holdings = ReadonlyMap<number, readonly ProcessFds[]>;
