import type { Socket } from 'node:net';
import type { Layer } from './layer.js';
import { pipesOf, socketUnder } from './node-internals.js';

/** How many streams are followed: a chain of transforms has a handful. */
const MAX_STREAMS = 32;

/**
 * The sockets that what is read from these layers flows into by itself, through any number of pipes and transforms: the client's
 * behind a proxied download. While one of them makes progress, so does the source: Node reads on only when much of the send
 * buffer is free again, and until then the source stands still although everybody is well.
 */
export function sinksOf(layers: readonly Layer[]): Socket[] {
  const streams = new Set<object>(layers.flatMap((layer) => layer.pipedTo()));
  const sinks = new Set<Socket>();
  // A set is visited in the order in which things are added, those that are added meanwhile included.
  for (const stream of streams) {
    const socket = socketUnder(stream);
    if (socket) sinks.add(socket);
    if (streams.size < MAX_STREAMS) for (const next of pipesOf(stream)) streams.add(next);
  }
  return [...sinks];
}
