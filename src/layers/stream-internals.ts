import type { Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { objectProperty, property, stringProperty } from './node-internals.js';

// What Node does not document of who reads a stream, and of time-outs; read as node-internals.ts reads.

/** What the listeners for an event are called. */
export function listenerNamesOf(emitter: unknown, event: string): readonly string[] {
  const listeners = property(emitter, 'listeners');
  if (typeof listeners !== 'function') return [];
  const found: unknown = fact(() => Reflect.apply(listeners, emitter, [event]) as unknown, []);
  return Array.isArray(found) ? found.map((each) => stringProperty(each, 'name') ?? '') : [];
}

/** Whether a pipe has stopped reading because what it writes to takes no more (`awaitDrainWriters`, there since Node 14). */
export function isAwaitingDrain(readable: unknown): boolean {
  const waiting = objectProperty<{ readonly size?: unknown }>(
    property(readable, '_readableState'),
    'awaitDrainWriters',
  );
  // One writer is kept as it is, more in a set.
  return waiting !== undefined && waiting.size !== 0;
}

/** When a socket's time-out was started last (`socket[kTimeout]._idleStart`, there since Node 11), in ms since the process began. */
export function timeoutStartOf(socket: Socket): number | undefined {
  const key = fact(() => Object.getOwnPropertySymbols(socket), []).find(({ description }) => description === 'timeout');
  const start = key && property(property(socket, key), '_idleStart');
  return typeof start === 'number' ? start : undefined;
}
