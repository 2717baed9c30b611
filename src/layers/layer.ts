import type { HttpFacts } from './facts.js';

export type LayerName = 'stream' | 'tls' | 'http1' | 'http2' | 'undici' | 'websocket';

/**
 * One of the things that stand above an fd, from the raw socket's stream up to what the application holds in its hands. Each
 * question is answered from what is so at this moment, with property reads only; `undefined` is "it cannot be seen from here".
 */
export interface Layer {
  readonly name: LayerName;
  /** Bytes that it has from the layer below and that nobody has taken from it. When this falls, somebody reads. */
  bufferedBytes(): number;
  /** Bytes that have been taken from it so far. */
  takenBytes(): number | undefined;
  /** Whether something would take more bytes from it: a listener, a pipe, an iterator. */
  hasReader(): boolean | undefined;
  /** The request it carries, or carried last. */
  request(): HttpFacts | undefined;
  /** The streams that what is read from it goes to by itself. */
  pipedTo(): readonly object[];
  /** Ends it as its owner would; the error goes with it only where a listener of the application's hears it. */
  end(error: Error): void;
}
