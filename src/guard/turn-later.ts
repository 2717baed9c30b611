import { clearImmediate, setImmediate } from 'node:timers';

/**
 * Calls back one full turn of the event loop later. Two immediates are one: whatever was ready before has been handled, and the
 * poll phase has run again. They are not unref()ed, or an idle loop would wait for its next event before it runs them; a process
 * that ends is held for these turns and no longer.
 */
export class TurnLater {
  readonly #callback: () => void;
  #immediate: NodeJS.Immediate | undefined;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  /** Once, however often it is asked for before that. */
  ask(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#callback();
      });
    });
  }

  clear(): void {
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#immediate = undefined;
  }
}
