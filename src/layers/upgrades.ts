import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import { activeSockets, isUpgrading, messageBeingParsed, serverOf } from './node-internals.js';
import { ensureNotes, type RequestNotes } from './notes.js';
import { enterRequest } from './origin.js';
import { tlsSocketOf } from './tls.js';

const EVENTS = ['upgrade', 'connect'];

/**
 * Notes the requests that end HTTP on their connection. No channel tells of them, and a listener for 'upgrade' or 'connect'
 * must not be ours: http answers an upgrade as a plain request and closes a CONNECT where a server has no such listener, and
 * applications count, keep, drop and add again those that they find. But http takes its own listeners off the socket just
 * before it emits those events, while its parser still has the request. So a 'removeListener' listener is put on each
 * connection that such a server accepts, where nothing is decided by it, and taken off once it is upgraded.
 */
export class Upgrades {
  readonly #onRemoveListener: (this: Socket) => void;
  #open = true;

  /** @param onError is told of what could not be noted: thrown out of a listener it would end the process */
  constructor(onError: () => void) {
    const isOpen = (): boolean => this.#open;
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
    if (!(server instanceof HttpServer || server instanceof HttpsServer)) return;
    if (EVENTS.some((event) => server.listenerCount(event) > 0)) socket.on('removeListener', this.#onRemoveListener);
  }

  /** Takes the listeners off again. One on a socket that Node does not list goes as soon as it is called. */
  close(): void {
    this.#open = false;
    for (const socket of activeSockets()) {
      for (const layer of [socket, tlsSocketOf(socket)])
        layer?.removeListener('removeListener', this.#onRemoveListener);
    }
  }
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
