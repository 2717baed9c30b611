import type { Socket } from 'node:net';
import { shared } from '../base/shared-state.js';
import type { LayerName } from './layer.js';
import { StreamLayer } from './stream.js';

/** The TLSSocket above a raw socket, whose stream state is the one that matters. */
const tlsAbove = shared('tls-above', () => new WeakMap<object, WeakRef<Socket>>());

export function noteTls(raw: Socket, tls: Socket): void {
  tlsAbove().set(raw, new WeakRef(tls));
}

export function tlsSocketOf(raw: Socket): Socket | undefined {
  return tlsAbove().get(raw)?.deref();
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
