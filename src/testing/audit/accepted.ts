import type { Server, Socket } from 'node:net';

/** The connections that a server accepts while an audit runs, so that none of the audit's own is left to the application. */
export class Accepted {
  readonly #server: Server;
  /** With the port of its client, which a socket that was reset has forgotten. */
  readonly #open = new Map<Socket, number | undefined>();
  readonly #keep = (socket: Socket): void => {
    this.#open.set(socket, socket.remotePort);
    socket.once('close', () => this.#open.delete(socket));
  };

  constructor(server: Server) {
    this.#server = server;
    // It changes nothing of what the server does with them.
    server.on('connection', this.#keep);
  }

  /** Destroys those that came from these ports: what leaked, and what was still at work when its time was over. */
  end(clientPorts: ReadonlySet<number>): void {
    this.#server.removeListener('connection', this.#keep);
    for (const [socket, port] of this.#open) if (port !== undefined && clientPorts.has(port)) socket.destroy();
    this.#open.clear();
  }
}
