import type { Socket } from 'node:net';
import { property } from './node-internals.js';
import { underSymbol } from './symbols.js';

// What Node does not document of time-outs, read as node-internals.ts reads.

/** When a socket's time-out was started last (`socket[kTimeout]._idleStart`, there since Node 11), in ms since the process began. */
export function timeoutStartOf(socket: Socket): number | undefined {
  const start = property(underSymbol(socket, 'timeout'), '_idleStart');
  return typeof start === 'number' ? start : undefined;
}
