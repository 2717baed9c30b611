import type { Server, Socket } from 'node:net';
import type { Guard } from '../../guard.js';

/** The connections that a server accepts while an audit runs, so that none of the audit's own is left to the application. */
export class Accepted {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #keep = (socket: Socket): void => {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  };

  constructor(server: Server) {
    this.#server = server;
    // It changes nothing of what the server does with them.
    server.on('connection', this.#keep);
  }

  /**
   * Destroys those whose client has left: what leaked, and what was still at work on a connection when its time was over.
   * All clients of the audit have; where the kernel does not tell of one, it is left alone.
   */
  end(guard: Guard): void {
    this.#server.removeListener('connection', this.#keep);
    for (const socket of this.#open) {
      const { remotePort, localPort } = socket;
      // Without ports it was reset.
      const left =
        remotePort === undefined || localPort === undefined || guard.holdsOpen(remotePort, localPort) === false;
      if (left) socket.destroy();
    }
    this.#open.clear();
  }
}
