import type { Server, Socket } from 'node:net';

/** The connections that a server accepts while an audit runs: those of the audit's own clients are destroyed at its end. */
export class Accepted {
  readonly #server: Server;
  /** With the client's port, which a socket no longer has once it was reset. */
  readonly #open = new Map<Socket, number | undefined>();
  readonly #keep = (socket: Socket): void => {
    this.#open.set(socket, socket.remotePort);
    socket.once('close', () => this.#open.delete(socket));
  };

  constructor(server: Server) {
    this.#server = server;
    // One more listener: the server handles its connections as before.
    server.on('connection', this.#keep);
  }

  /** Destroys those that came from these ports: what leaked, and what was still being served at its deadline. */
  end(clientPorts: ReadonlySet<number>): void {
    this.#server.removeListener('connection', this.#keep);
    for (const [socket, port] of this.#open) if (port !== undefined && clientPorts.has(port)) socket.destroy();
    this.#open.clear();
  }
}
