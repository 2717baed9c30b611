import type { Socket } from 'node:net';
import { subscribeAll } from '../base/channels.js';
import type { Side } from '../base/vocabulary.js';
import { noteServerStream } from '../layers/http2-internals.js';
import { listenForReceivedSockets } from '../layers/ipc-internals.js';
import { ensureNotes } from '../layers/notes.js';
import { currentOrigin } from '../layers/origin.js';
import { noteClientRequest, noteClientResponse } from '../layers/requests.js';
import { noteTlsAbove, rawSocketUnder } from '../layers/tls.js';
import { undiciListener } from '../layers/undici.js';

/** What {@link listenForSockets} returns. */
export interface Announcements {
  /**
   * Announces sockets that were there before anybody listened, as the channels would have: each with its TLS and with the requests
   * of undici and fetch that it carries.
   */
  announceEarlier(sockets: Iterable<EarlierSocket>): void;
  dispose(): void;
}

/** A socket that was there before anybody listened. */
export interface EarlierSocket {
  /** The one that the application has: a TLSSocket where that was put on another socket. */
  readonly top: Socket;
  readonly side: Side;
}

/**
 * Subscribes to the diagnostics channels that announce sockets and name what is asked over them
 * (nodejs.org/api/diagnostics_channel.html, undici's DiagnosticsChannel.md), and to what the parent and the children send.
 * No listener is put on any socket and no function is replaced. `onError` is told of a message that could not be handled:
 * what a subscriber throws would end the process as an uncaught exception.
 */
export function listenForSockets(
  announce: (socket: Socket, side: Side, earlier?: true) => void,
  onError: () => void,
): Announcements {
  const stopListeningForReceived = listenForReceivedSockets((socket, from) => {
    announce(socket, 'inbound');
    ensureNotes(socket).receivedFrom = from;
  }, onError);
  const undici = undiciListener();
  const unsubscribe = subscribeAll(
    {
      'net.server.socket': ({ socket }: { socket: Socket }) => {
        announce(socket, 'inbound');
      },
      'net.client.socket': ({ socket }: { socket: Socket }) => {
        // Announced in the caller's turn and async context.
        announce(socket, 'outbound');
        const origin = currentOrigin();
        if (origin) ensureNotes(socket).origin = origin;
      },
      // Since Node 22.12, and the only one of the two that runs in the caller's stack.
      'http.client.request.created': noteClientRequest,
      'http.client.request.start': noteClientRequest,
      'http.client.response.finish': noteClientResponse,
      'http2.server.stream.start': noteServerStream,
      ...undici.handlers,
    },
    onError,
  );
  return {
    announceEarlier: (sockets) => {
      for (const { top, side } of sockets) {
        noteTlsAbove(top);
        if (side === 'outbound') undici.noteUnderWay(top);
        announce(rawSocketUnder(top), side, true);
      }
    },
    dispose: () => {
      stopListeningForReceived();
      unsubscribe();
    },
  };
}
