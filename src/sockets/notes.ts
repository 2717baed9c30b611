import type { Socket } from 'node:net';

/** What the diagnostics channels said about a socket, in strings and small objects: nothing here keeps a request alive. */
export interface SocketNotes {
  /** Last request on this connection. */
  method: string | undefined;
  url: string | undefined;
  /** Fastify's route pattern for that request. */
  route: string | undefined;
  /** Origin of an outbound undici/fetch request, as in `http://inventory:8080`. */
  origin: string | undefined;
  /** Progress of an outbound undici/fetch response: its headers came, its last byte has not been taken. */
  responseOpen: boolean;
}

/** Keyed by socket, so the notes die with it. */
const notes = new WeakMap<object, SocketNotes>();

export function notesOf(socket: Socket): SocketNotes | undefined {
  return notes.get(socket);
}

export function ensureNotes(socket: Socket): SocketNotes {
  let found = notes.get(socket);
  if (!found) {
    found = { method: undefined, url: undefined, route: undefined, origin: undefined, responseOpen: false };
    notes.set(socket, found);
  }
  return found;
}

/** The TLSSocket above a raw socket, whose stream state is the one that matters. */
const tlsAbove = new WeakMap<object, WeakRef<Socket>>();

export function noteTls(raw: Socket, tls: Socket): void {
  tlsAbove.set(raw, new WeakRef(tls));
}

export function tlsSocketOf(raw: Socket): Socket | undefined {
  return tlsAbove.get(raw)?.deref();
}
