import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach } from 'vitest';
import { ESTABLISHED, kernelRow } from './kernel-view.js';
import { until } from './until.js';

/** Real servers and clients on loopback, and an end for all of them. */
export class Stage {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  readonly #deferred: (() => unknown)[] = [];

  /** Listens on a free port. Every connection the server accepts is destroyed when the stage is cleared. */
  async listen(server: Server, host = '127.0.0.1'): Promise<number> {
    this.#servers.push(server);
    server.on('connection', (socket: Socket) => this.#keep(socket));
    server.listen(0, host);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  /** A client that reads all it gets. It is half-open, so that only the test decides when it closes. */
  async connect(port: number, host = '127.0.0.1', { read = true } = {}): Promise<Client> {
    const socket = net.connect({ port, host, allowHalfOpen: true });
    this.#keep(socket);
    await once(socket, 'connect');
    const client = new Client(socket, port);
    socket.on('error', (error) => client.errors.push(error));
    if (read) socket.on('data', (chunk: Buffer) => client.received.push(chunk));
    return client;
  }

  /** Connects, says `data`, and closes once the kernel has delivered it all. */
  async visit(port: number, data: string | Buffer = '', host?: string): Promise<Client> {
    const client = await this.connect(port, host);
    client.say(data);
    await client.close();
    return client;
  }

  /** Calls it when the stage is cleared; the last one first. */
  defer(what: () => unknown): void {
    this.#deferred.push(what);
  }

  async clear(): Promise<void> {
    for (const dispose of this.#deferred.splice(0).reverse()) await dispose();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers.splice(0)) {
      if (!server.listening) continue;
      server.close();
      if ('closeAllConnections' in server) (server.closeAllConnections as () => void)();
      await once(server, 'close');
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

export function stageOfEachTest(): Stage {
  const stage = new Stage();
  afterEach(() => stage.clear());
  return stage;
}

export class Client {
  /** Its own port; kept, because a destroyed socket no longer tells. */
  readonly port: number;
  readonly received: Buffer[] = [];
  readonly errors: Error[] = [];

  constructor(
    readonly socket: Socket,
    readonly serverPort: number,
  ) {
    this.port = socket.localPort ?? 0;
  }

  get text(): string {
    return Buffer.concat(this.received).toString('latin1');
  }

  say(data: string | Buffer): void {
    if (data.length > 0) this.socket.write(data);
  }

  /** Sends the FIN and waits until the kernel has given it to the other end (or that end is closed already). */
  async halfClose(): Promise<void> {
    const { port, serverPort } = this;
    this.socket.end();
    await until(`the FIN of port ${port} to arrive`, () => kernelRow(serverPort, port)?.state !== ESTABLISHED);
  }

  /** Sends the FIN and closes: close(2). */
  async close(): Promise<void> {
    await this.halfClose();
    this.socket.destroy();
  }

  /** Sends a RST (SO_LINGER 0) and waits until the kernel has ended the other end. */
  async reset(): Promise<void> {
    const { port } = this;
    this.socket.resetAndDestroy();
    await until(`the RST of port ${port} to arrive`, () => kernelRow(this.serverPort, port) === undefined);
  }
}

export function get(path: string, headers = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: shop.test\r\n${headers}\r\n`;
}

export function post(path: string, bytes: number): string {
  return `POST ${path} HTTP/1.1\r\nHost: shop.test\r\nContent-Type: application/octet-stream\r\nContent-Length: ${bytes}\r\n\r\n${'u'.repeat(bytes)}`;
}
