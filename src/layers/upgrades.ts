import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { HttpServer } from '../base/http.js';
import { activeSockets } from './active-handles.js';
import { isUpgrading, messageBeingParsed, serverOf } from './node-internals.js';
import { ensureNotes, type RequestNotes } from './notes.js';
import { enterRequest } from './origin.js';
import { tlsSocketOf } from './tls.js';

const EVENTS = ['upgrade', 'connect'];
/** One of the events of a socket that http listens for as soon as it has it, and hardly anybody else ever does. */
const HTTP_LISTENS_FOR = 'drain';
/** Connections of a server that are watched for being handed on, until one of them is. */
const MAX_WATCHED = 16;

/**
 * Notes the requests that end HTTP on their connection. No channel tells of them, and a listener for 'upgrade' or 'connect'
 * must not be ours: http answers an upgrade as a plain request and closes a CONNECT where a server has no such listener, and
 * applications count, keep, drop and add again those that they find. But http takes its own listeners off the socket just
 * before it emits those events, while its parser still has the request. So a 'removeListener' listener is put on each
 * connection that such a server accepts, where nothing is decided by it, and taken off once it is upgraded.
 *
 * A connection may also be handed to an http server by `emit('connection', socket)`: by a net or tls server that looks at the
 * first bytes, or in a process that its parent sends sockets to. Nothing announces that. http makes itself the socket's server
 * and then adds its listeners, so there a 'newListener' listener waits for the first of them.
 */
export class Upgrades {
  /** How many connections of each server were watched for being handed on. */
  readonly #watched = new WeakMap<Server, number>();
  /** A connection of this thread was handed to http, so others may be. */
  #handsOn = false;
  readonly #onRemoveListener: (this: Socket) => void;
  readonly #onNewListener: (this: Socket, event: string | symbol) => void;
  readonly #handedTo: (server: Server, socket: Socket) => void;
  #open = true;

  /**
   * @param handedTo is told of each connection that was handed to an http server
   * @param onError is told of what could not be noted: thrown out of a listener it would end the process
   */
  constructor(handedTo: (server: Server, socket: Socket) => void, onError: () => void) {
    this.#handedTo = (server, socket) => {
      this.#handsOn = true;
      handedTo(server, socket);
    };
    const isOpen = (): boolean => this.#open;
    const handed = this.#handedTo;
    this.#onNewListener = function onNewListener(event) {
      if (event !== HTTP_LISTENS_FOR) return;
      try {
        const server = serverOf(this);
        if (isOpen() && !isHttp(server)) return;
        this.removeListener('newListener', onNewListener);
        if (isOpen() && server) handed(server, this);
      } catch {
        onError();
      }
    };
    // From Node 20 on not every listener's removal is announced; that of one of http's is.
    this.#onRemoveListener = function onRemoveListener() {
      try {
        if (!isOpen() || noteUpgrade(this)) this.removeListener('removeListener', onRemoveListener);
      } catch {
        onError();
      }
    };
  }

  /** @param socket just accepted: the TLSSocket where the server is one of https */
  follow(socket: Socket, server: Server): void {
    if (!isHttp(server)) {
      if (this.#mayHandOn(server)) this.expectHttp(socket);
    } else if (EVENTS.some((event) => server.listenerCount(event) > 0))
      socket.on('removeListener', this.#onRemoveListener);
  }

  /** A server that has never handed a connection on is left alone after the first few. */
  #mayHandOn(server: Server): boolean {
    const watched = this.#watched.get(server) ?? 0;
    this.#watched.set(server, watched + 1);
    return this.#handsOn || watched < MAX_WATCHED;
  }

  /** The socket may be handed to an http server, or has just been. */
  expectHttp(socket: Socket): void {
    const server = serverOf(socket);
    if (isHttp(server)) this.#handedTo(server, socket);
    else socket.on('newListener', this.#onNewListener);
  }

  /** Takes the listeners off again. One on a socket that Node does not list goes as soon as it is called. */
  close(): void {
    this.#open = false;
    for (const socket of activeSockets()) {
      for (const layer of [socket, tlsSocketOf(socket)]) {
        layer?.removeListener('removeListener', this.#onRemoveListener);
        layer?.removeListener('newListener', this.#onNewListener);
      }
    }
  }
}

function isHttp(server: Server | undefined): server is HttpServer | HttpsServer {
  return server instanceof HttpServer || server instanceof HttpsServer;
}

/** Whether the socket's request is one that ends HTTP; it is noted then. */
function noteUpgrade(socket: Socket): boolean {
  const message = messageBeingParsed(socket);
  if (message === undefined || !isUpgrading(message)) return false;
  const { method, url } = message;
  const server = serverOf(socket);
  const request: RequestNotes = {
    ...{ method, url, route: undefined, unmatched: false, server },
    reclaim: true,
    upgraded: true,
  };
  ensureNotes(socket).request = request;
  // The application's listeners come next, in this turn; before Node 24 http's parser drops the context on the way there.
  enterRequest(request);
  return true;
}
