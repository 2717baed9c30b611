import type { Socket } from 'node:net';
import { subscribeAll } from '../base/channels.js';
import type { Side } from '../base/vocabulary.js';
import { noteServerStream } from '../layers/http2-internals.js';
import { listenForReceivedSockets } from '../layers/ipc-internals.js';
import { ensureNotes } from '../layers/notes.js';
import { currentOrigin } from '../layers/origin.js';
import { noteClientRequest, noteClientResponse } from '../layers/requests.js';
import { undiciHandlers } from '../layers/undici.js';

/**
 * Subscribes to the diagnostics channels that announce sockets and name what is asked over them
 * (nodejs.org/api/diagnostics_channel.html, undici's DiagnosticsChannel.md), and to what the parent and the children send. Returns its dispose
 * function.
 * No listener is put on any socket and no function is replaced. `onError` is told of a message that could not be handled:
 * what a subscriber throws would end the process as an uncaught exception.
 */
export function listenForSockets(announce: (socket: Socket, side: Side) => void, onError: () => void): () => void {
  const stopListeningForReceived = listenForReceivedSockets((socket, from) => {
    announce(socket, 'inbound');
    ensureNotes(socket).receivedFrom = from;
  }, onError);
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
      ...undiciHandlers(),
    },
    onError,
  );
  return () => {
    stopListeningForReceived();
    unsubscribe();
  };
}
