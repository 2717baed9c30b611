import type { Socket } from 'node:net';
import type { Layer } from './layer.js';
import { countProperty, socketUnder } from './node-internals.js';
import { countsOf, onwardFrom } from './onward.js';

/** How many streams are followed: a chain of transforms has a handful. */
const MAX_STREAMS = 32;

/** Where what is read from a socket goes by itself. */
export interface Pipes {
  /** The sockets at their ends, as the client's behind a proxied download. */
  readonly sinks: readonly Socket[];
  /** Bytes that wait in the streams on the way. When this falls, whoever is behind them reads. */
  readonly bufferedBytes: number;
  /** A checksum of what those streams count themselves. When it changes, one of them moves. */
  readonly counts: number;
}

/**
 * Follows the pipes from these layers, through any number of transforms. While one of their ends makes progress, so does the
 * source: Node reads on only when much of the buffers on the way is free again, and until then the source stands still
 * although everybody is well.
 */
export function pipesFrom(layers: readonly Layer[]): Pipes {
  const streams = new Set<object>(layers.flatMap((layer) => layer.pipedTo()));
  const sinks = new Set<Socket>();
  let bufferedBytes = 0;
  let counts = 0;
  // A set is visited in the order in which things are added, those that are added meanwhile included.
  for (const stream of streams) {
    const socket = socketUnder(stream);
    if (socket) sinks.add(socket);
    bufferedBytes += countProperty(stream, 'readableLength') + countProperty(stream, 'writableLength');
    counts = (counts * 31 + countsOf(stream)) % Number.MAX_SAFE_INTEGER;
    if (streams.size < MAX_STREAMS) for (const next of onwardFrom(stream)) streams.add(next);
  }
  return { sinks: [...sinks], bufferedBytes, counts };
}
