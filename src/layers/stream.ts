import type { Socket } from 'node:net';
import type { HttpFacts } from './facts.js';
import type { Layer, LayerName } from './layer.js';
import { booleanProperty, countProperty, errorIsHandled, listenersOf, pipesOf } from './node-internals.js';

/** Whether a readable stream has somebody to read it. An ended one has been read. */
export function hasReader(stream: object): boolean {
  return listenersOf(stream, 'data') + listenersOf(stream, 'readable') + pipesOf(stream).length > 0;
}

/** Destroys a socket; the error goes with it only where somebody handles it. */
export function destroyWith(socket: Socket, error: Error): void {
  socket.destroy(errorIsHandled(socket) ? error : undefined);
}

/** The net.Socket on an fd: always the lowest layer. */
export class StreamLayer implements Layer {
  readonly name: LayerName = 'stream';
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  bufferedBytes(): number {
    return countProperty(this.socket, 'readableLength');
  }

  takenBytes(): number {
    return countProperty(this.socket, 'bytesRead') - this.bufferedBytes();
  }

  hasReader(): boolean {
    return booleanProperty(this.socket, 'readableEnded') !== true && hasReader(this.socket);
  }

  request(): HttpFacts | undefined {
    return undefined;
  }

  pipedTo(): readonly object[] {
    return pipesOf(this.socket);
  }

  end(error: Error): void {
    destroyWith(this.socket, error);
  }
}
