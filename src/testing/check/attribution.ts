import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { LeakReport } from '../../leaks/report.js';

/** How many connections are remembered, the youngest: a test is checked soon after it made them. */
const MAX_REMEMBERED = 10_000;

interface ClientRequest {
  readonly socket?: Socket | null;
  once(event: 'socket', listener: (socket: Socket) => void): unknown;
}

/**
 * Says which test a socket belongs to, of tests that may run side by side. Both ends of a connection carry the same two
 * ports, so the test that opened a connection is also known at the server's end of it.
 *
 * The first that is known counts: the test that opened the connection or sent the last request over it; then the test that
 * made the accepting server listen (Node announces an accepted socket in that async context) and still ran when it accepted.
 */
export class Attribution<Test extends { readonly ended: boolean }> {
  readonly #currentTest: () => Test | undefined;
  readonly #byClient = new Map<string, Test>();
  readonly #byServer = new Map<string, Test>();
  /** undici requests, from when their test made them to when they get a socket. */
  readonly #requests = new WeakMap<object, Test>();
  readonly #handlers: Readonly<Record<string, (message: never) => void>> = {
    'net.client.socket': ({ socket }: { socket: Socket }) => this.#onClient(socket),
    'net.server.socket': ({ socket }: { socket: Socket }) => this.#onAccepted(socket),
    'http.client.request.start': ({ request }: { request: ClientRequest }) => this.#onHttpRequest(request),
    'undici:request:create': ({ request }: { request: object }) => {
      const test = this.#currentTest();
      if (test) this.#requests.set(request, test);
    },
    'undici:client:sendHeaders': ({ request, socket }: { request: object; socket: Socket }) => {
      const test = this.#requests.get(request);
      if (test) this.#noteClient(socket, test);
    },
  };

  constructor(currentTest: () => Test | undefined) {
    this.#currentTest = currentTest;
    for (const [channel, handler] of Object.entries(this.#handlers)) subscribe(channel, handler as never);
  }

  /** Undefined when no test is known to have made it. */
  ownerOf({ side, localPort, remotePort }: LeakReport): Test | undefined {
    if (localPort === undefined || remotePort === undefined) return undefined;
    if (side === 'outbound') return this.#byClient.get(pair(localPort, remotePort));
    const key = pair(remotePort, localPort);
    return this.#byClient.get(key) ?? this.#byServer.get(key);
  }

  close(): void {
    for (const [channel, handler] of Object.entries(this.#handlers)) unsubscribe(channel, handler as never);
  }

  #onClient(socket: Socket): void {
    const test = this.#currentTest();
    // Announced before it is connected. A destroyed socket has no ports, so they are noted now.
    if (test) socket.once('connect', () => this.#noteClient(socket, test));
  }

  /** A pooled connection may be another test's; from now on it is this one's. */
  #onHttpRequest(request: ClientRequest): void {
    const test = this.#currentTest();
    if (!test) return;
    const note = (socket: Socket): void => {
      if (!socket.connecting) this.#noteClient(socket, test);
    };
    if (request.socket) note(request.socket);
    else request.once('socket', note);
  }

  #onAccepted(socket: Socket): void {
    const test = this.#currentTest();
    // A server that outlives its test serves others.
    if (!test || test.ended) return;
    const { localPort, remotePort } = socket;
    // Ports are used again: what is known of this pair belongs to an older connection.
    if (localPort && remotePort) remember(this.#byServer, pair(remotePort, localPort), test);
  }

  #noteClient({ localPort, remotePort }: Socket, test: Test): void {
    if (localPort && remotePort) remember(this.#byClient, pair(localPort, remotePort), test);
  }
}

/** The ports of a connection, its client's first. */
function pair(clientPort: number, serverPort: number): string {
  return `${clientPort} ${serverPort}`;
}

function remember<Test>(known: Map<string, Test>, key: string, test: Test): void {
  // Deleted first, so that the order is that of the last mention.
  known.delete(key);
  known.set(key, test);
  if (known.size <= MAX_REMEMBERED) return;
  const [oldest] = known.keys();
  known.delete(oldest!);
}
