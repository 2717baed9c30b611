import type { Socket } from 'node:net';
import { shared } from '../base/shared-state.js';
import type { LayerName } from './layer.js';
import { rawSocketOf, streamUnderWrapOf } from './node-internals.js';
import { StreamLayer } from './stream.js';

/** The TLSSocket above a raw socket, whose stream state is the one that matters. */
const tlsAbove = shared('tls-above', () => new WeakMap<object, WeakRef<Socket>>());

export function noteTls(raw: Socket, tls: Socket): void {
  tlsAbove().set(raw, new WeakRef(tls));
}

export function tlsSocketOf(raw: Socket): Socket | undefined {
  return tlsAbove().get(raw)?.deref();
}

/** TLS in TLS (a proxy that is itself reached by TLS), and one more. */
const MAX_DEPTH = 4;

/** Notes which raw socket carries this one, where it is a TLSSocket that was put on another stream. */
export function noteTlsAbove(socket: Socket): void {
  let raw = rawSocketOf(socket);
  if (raw === undefined) return;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    // A stream without a handle of its own is behind a wrapper.
    const under: Socket = streamUnderWrapOf(raw) ?? raw;
    const next = rawSocketOf(under);
    if (next === undefined) {
      if (tlsSocketOf(under) !== socket) noteTls(under, socket);
      return;
    }
    raw = next;
  }
}

/** The socket that the application sees: the TLSSocket where there is one. */
export function topSocketOf(raw: Socket): Socket {
  return tlsSocketOf(raw) ?? raw;
}

/** A TLSSocket above the raw one. */
export class TlsLayer extends StreamLayer {
  override readonly name: LayerName = 'tls';

  /** Its `bytesRead` is the raw socket's, encrypted. */
  override takenBytes(): number {
    return 0;
  }
}
