import inspector from 'node:inspector';
import { setImmediate } from 'node:timers';
import { packEndpoints, unpackEndpoints } from '../../kernel/endpoints.js';
import { FdWalk } from '../../kernel/fd-walk.js';
import type { NativeBinding } from '../../kernel/native.js';

/** How somebody came in. */
export interface DoorOptions {
  /** The port of the inspector in this process; undefined in a worker thread, which is reached through the main one. */
  readonly inspectorPort?: number | undefined;
  /** The port at the other end of the connection that the visitor came over. */
  readonly visitorPort?: number | undefined;
  /** Nobody had opened the inspector before: it is to be closed. */
  readonly closeInspector: boolean;
}

/**
 * The way in, and how it is closed from inside when nobody outside does it.
 *
 * `inspector.close()` waits for each client to close its end, and holds the event loop meanwhile: one that was stopped (Ctrl-Z, a
 * frozen container) would hold it for ever. So the connections of clients from which nothing was heard are shut down first, which
 * needs nobody's help. One that has just asked for it closes its end at once; shut down, it would make Node print two lines more.
 */
export class Door {
  readonly #binding: NativeBinding;
  readonly #options: DoorOptions;
  readonly #onExit: () => void;
  #listensForExit = false;

  /** @param leave takes everything else back; called when the process ends before the visit does */
  constructor(binding: NativeBinding, options: DoorOptions, leave: () => void) {
    this.#binding = binding;
    this.#options = options;
    // A process that ends waits for its debuggers ("Waiting for the debugger to disconnect...").
    this.#onExit = () => {
      leave();
      this.#close(false);
    };
    if (options.inspectorPort === undefined || !hasRoomForExit()) return;
    process.on('exit', this.#onExit);
    this.#listensForExit = true;
  }

  /**
   * Takes the listener off, and in the next turn, when what is being sent is on its way, closes the inspector if it is to.
   * @param asked by the visitor itself, just now
   */
  leave(asked: boolean): void {
    this.#removeListener();
    setImmediate(() => this.#close(asked));
  }

  #close(asked: boolean): void {
    this.#removeListener();
    const { inspectorPort, visitorPort, closeInspector } = this.#options;
    if (inspectorPort === undefined) return;
    for (const { fd, cookie, remotePort } of this.#connectionsOf(inspectorPort)) {
      const isVisitors = remotePort === visitorPort;
      // Where the inspector was open before, other clients stay.
      if (isVisitors ? !asked : closeInspector) this.#binding.shutDown(fd, BigUint64Array.of(cookie));
    }
    if (closeInspector && inspector.url() !== undefined) inspector.close();
  }

  #removeListener(): void {
    if (this.#listensForExit) process.removeListener('exit', this.#onExit);
    this.#listensForExit = false;
  }

  #connectionsOf(localPort: number): { fd: number; cookie: bigint; remotePort: number | undefined }[] {
    const all = new FdWalk(this.#binding).lap();
    const fds = Int32Array.from(all, ({ fd }) => fd);
    const ends = packEndpoints(this.#binding, fds, all.length).map((packed) => unpackEndpoints(this.#binding, packed));
    return all.flatMap((each, i) =>
      ends[i]!.localPort === localPort ? { ...each, remotePort: ends[i]!.remotePort } : [],
    );
  }
}

/** One more than that, and Node warns of a leak of listeners. */
function hasRoomForExit(): boolean {
  const most = process.getMaxListeners();
  return most === 0 || process.listenerCount('exit') < most;
}
