import { clearTimeout, setImmediate, setTimeout } from 'node:timers';
import { monotonicMs } from '../../base/clock.js';

/*
 * All waiting and all time-outs of src/testing. The timers are taken when this module loads: test runners replace timers by
 * fake ones, and real sockets keep real time.
 */
const later = setTimeout;
const cancel = clearTimeout;
const soon = setImmediate;

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/**
 * For what has to be asked. Asks at once, and again after pauses that grow, until it is so or the pauses add up to
 * `deadlineMs`. They add up whatever the clock says: where a busy machine or a blocked loop stretches them, the code under
 * test still gets its turns.
 */
export async function waitUntil(isSo: () => boolean, deadlineMs: number): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (
    let leftMs = deadlineMs;
    !isSo() && leftMs > 0;
    leftMs -= pauseMs, pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  ) {
    await new Promise((resolve) => later(resolve, Math.min(pauseMs, leftMs)));
    await turn();
  }
}

/** One full turn of the loop: what had arrived is handled. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => soon(() => soon(resolve)));
}

/** What `promise` resolves to; rejects where that takes longer than `deadlineMs`. */
export async function within<T>(deadlineMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeOut = new Promise<never>((_resolve, reject) => {
    timer = later(() => {
      reject(new Error(`no answer in ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([promise, timeOut]);
  } finally {
    cancel(timer);
  }
}

/** For what announces its changes. */
export class Changes {
  readonly #waiting = new Set<() => void>();

  /** Something has changed: whoever waits checks again. */
  announce(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Waits until it is so, or until `deadlineAtMs` on the clock of monotonicMs(). Returns whether it is so. */
  async until(isSo: () => boolean, deadlineAtMs: number): Promise<boolean> {
    while (!isSo()) {
      const leftMs = deadlineAtMs - monotonicMs();
      if (leftMs <= 0) return false;
      await this.#next(leftMs);
    }
    return true;
  }

  #next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        cancel(timer);
        resolve();
      };
      const timer = later(wake, timeoutMs);
      this.#waiting.add(wake);
    });
  }
}
