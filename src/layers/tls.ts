import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { fact } from '../base/fact.js';
import { shared } from '../base/shared-state.js';
import type { HiddenTlsFacts } from './facts.js';
import type { Layer, LayerName } from './layer.js';
import {
  booleanProperty,
  countProperty,
  rawSocketOf,
  serverOf,
  streamUnderWrapOf,
  tlsAboveReads,
} from './node-internals.js';
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
  const raw = rawSocketUnder(socket);
  if (raw !== socket && tlsSocketOf(raw) !== socket) noteTls(raw, socket);
}

/** The socket that has the fd: the one below all TLS that was put on it. One that nothing was put on is its own. */
export function rawSocketUnder(socket: Socket): Socket {
  let under = socket;
  for (let depth = 0; depth <= MAX_DEPTH; depth++) {
    const next = rawSocketOf(under);
    if (next === undefined) break;
    // A stream without a handle of its own is behind a wrapper.
    under = streamUnderWrapOf(next) ?? next;
  }
  return under;
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

/** TLS above a raw socket whose TLSSocket is not known: its handshake has not ended, or it was put on a connected socket. */
export class HiddenTlsLayer implements Layer {
  readonly name = 'tls';
  readonly #raw: Socket;
  readonly #facts: HiddenTlsFacts;

  static on(raw: Socket): HiddenTlsLayer | undefined {
    const facts = hiddenTlsOf(raw);
    return facts && new HiddenTlsLayer(raw, facts);
  }

  private constructor(raw: Socket, facts: HiddenTlsFacts) {
    this.#raw = raw;
    this.#facts = facts;
  }

  bufferedBytes(): number {
    return 0;
  }

  takenBytes(): undefined {
    return undefined;
  }

  /** Before the handshake has ended there is nothing to read. */
  hasReader(): boolean | undefined {
    return this.#facts.inHandshake ? false : undefined;
  }

  request(): undefined {
    return undefined;
  }

  pipedTo(): readonly object[] {
    return [];
  }

  /** Without an error: TLS hands that of the raw socket on, perhaps to a TLSSocket on which nobody listens for it. */
  end(): void {
    this.#raw.destroy();
  }
}

export function hiddenTlsOf(raw: Socket): HiddenTlsFacts | undefined {
  if (tlsSocketOf(raw)) return undefined;
  const reading = tlsAboveReads(raw);
  if (reading === undefined) return undefined;
  const server = serverOf(raw);
  const acceptedByTls = fact(() => server instanceof TlsServer, false);
  return {
    reading,
    inHandshake: countProperty(raw, 'bytesRead') === 0 || countProperty(raw, 'bytesWritten') === 0,
    // A TLSSocket takes `allowHalfOpen` over from the socket below. One of a TLS server that is not known has not come to
    // 'secureConnection', and an end() that waits for the handshake waits for ever.
    endsItself: booleanProperty(raw, 'allowHalfOpen') === false && !acceptedByTls,
  };
}
