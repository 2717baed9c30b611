import { clearInterval, setInterval } from 'node:timers';
import { monotonicMs } from '../../base/clock.js';
import { printable } from './table.js';

/** An audit that is over by then shows nothing, ms. */
const QUIET_MS = 1_000;
const INTERVAL_MS = 200;
const START_OF_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 80;
const every = setInterval;
const cancel = clearInterval;

/** A terminal, as far as a line of progress uses it. */
export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

/** One line on a terminal that says where a long audit is; gone when it is over. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #startedAtMs = monotonicMs();
  readonly #timer = every(() => {
    this.#draw();
  }, INTERVAL_MS).unref();
  readonly #leaking = new Set<string>();
  readonly #routes: number;
  #done = 0;
  #last = '';
  #drawn = false;

  /** Undefined where the stream is no terminal: a log or a runner's pipe gets nothing. */
  static on(terminal: Terminal, routes: number): Progress | undefined {
    return terminal.isTTY ? new Progress(terminal, routes) : undefined;
  }

  private constructor(terminal: Terminal, routes: number) {
    this.#terminal = terminal;
    this.#routes = routes;
  }

  /** @param done how many routes have been hung up on at all their moments; `last` is the last of them */
  update(done: number, last: string): void {
    this.#done = done;
    this.#last = last;
  }

  leaked(route: string): void {
    this.#leaking.add(route);
  }

  end(): void {
    cancel(this.#timer);
    if (this.#drawn) this.#terminal.write(START_OF_LINE);
  }

  #draw(): void {
    if (monotonicMs() - this.#startedAtMs < QUIET_MS) return;
    this.#drawn = true;
    const last = this.#last === '' ? '' : ` (${this.#last})`;
    const leaks = this.#leaking.size === 0 ? 'no leak so far' : `leaks so far: ${[...this.#leaking].join(', ')}`;
    const text = `close-wait-guard: route ${this.#done} of ${this.#routes}${last}, ${leaks}`;
    // A line that wraps cannot be taken back.
    const columns = this.#terminal.columns > 0 ? this.#terminal.columns : DEFAULT_COLUMNS;
    this.#terminal.write(START_OF_LINE + printable(text).slice(0, columns - 1));
  }
}
