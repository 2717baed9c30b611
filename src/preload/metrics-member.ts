import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import type { Guard } from '../guard/guard.js';
import { internalsOf } from '../guard/internals.js';
import type { PageRegistry } from '../metrics/page.js';
import type { PageSource } from '../page/page-source.js';
import { eachLine } from './lines.js';
import { ASK } from './metrics-hub.js';

/** A total that is newer than this may be lost when the process is killed. */
const PUSH_AFTER_MS = 100;

/** Tells the process that has the metrics port what this one counts: when asked, and soon after a total has grown. */
export class MetricsMember {
  readonly #id = randomUUID();
  readonly #registry: PageRegistry;
  readonly #page: PageSource | undefined;
  #socket: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param page undefined where this process is not to be on the page that a person reads */
  constructor(guard: Guard, registry: PageRegistry, page: PageSource | undefined) {
    this.#registry = registry;
    this.#page = page;
    const changed = (): void => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        // A process that takes nothing must not make this one keep everything.
        if ((this.#socket?.writableLength ?? 0) === 0) this.#push();
        else changed();
      }, PUSH_AFTER_MS).unref();
    };
    guard.on('leak', changed).on('released', changed).on('reclaimed', changed);
    internalsOf(guard).onDuration(changed);
    process.on('exit', () => {
      // A write to a unix socket is tried at once.
      if (this.#timer) this.#push();
    });
  }

  /** False when nobody is there; else it calls back when the connection is over. */
  async join(place: string, onOver: () => void): Promise<boolean> {
    const socket = connect(place).unref();
    const joined = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.on('error', () => {
        resolve(false);
      });
    });
    if (!joined) return false;
    this.#socket = socket;
    eachLine(socket, (line) => {
      if (line === ASK.page) void this.#tellPage(socket);
      else this.#push();
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      onOver();
    });
    this.#push();
    return true;
  }

  async #tellPage(socket: Socket): Promise<void> {
    const page = (await this.#page?.read()) ?? null;
    socket.write(`${JSON.stringify({ id: this.#id, page })}\n`);
  }

  #push(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    if (!socket) return;
    const metrics = this.#registry.objects();
    socket.write(`${JSON.stringify({ id: this.#id, metrics })}\n`);
  }
}
