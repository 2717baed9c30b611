import { Server, type Socket } from 'node:net';
import { fact } from '../base/fact.js';
import { pidOf } from './ipc-internals.js';
import { objectProperty, property } from './node-internals.js';
import { underSymbol } from './symbols.js';

// What is alive in this thread, which Node does not document; read as in node-internals.ts.

/**
 * Sockets that are alive in this thread (`process._getActiveHandles`, undocumented but there since Node 0.10). It misses
 * unref()ed ones; it is asked only for sockets that no diagnostics channel announced. `newest`: among that many handles.
 */
export function activeSockets(newest = Number.POSITIVE_INFINITY): Socket[] {
  const handles = activeHandles();
  return handles
    .slice(Math.max(0, handles.length - newest))
    .filter(
      (handle): handle is Socket =>
        typeof property(handle, 'bytesRead') === 'number' && property(handle, '_handle') != null,
    );
}

/** The servers of this thread that listen, in the same way. */
export function activeServers(): Server[] {
  return activeHandles().filter((handle): handle is Server => fact(() => handle instanceof Server, false));
}

/** The children of this process that run: not those that were unref()ed. */
export function activeChildren(): object[] {
  return activeHandles().filter(
    (handle): handle is object => property(handle, 'spawnfile') !== undefined && pidOf(handle as object) !== undefined,
  );
}

function activeHandles(): readonly unknown[] {
  const getActiveHandles = property(process, '_getActiveHandles');
  if (typeof getActiveHandles !== 'function') return [];
  return fact(() => (getActiveHandles as () => unknown[]).call(process), []);
}

/**
 * The connections that an http or https server has (`server[Symbol('http.server.connections')].all()`, parsers; there since Node 18), unref()ed
 * ones too: of https the TLSSockets.
 */
export function httpConnectionsOf(server: Server): Socket[] {
  const connections = underSymbol(server, 'http.server.connections');
  const all = property(connections, 'all');
  if (typeof all !== 'function') return [];
  const parsers: unknown = fact(() => Reflect.apply(all, connections, []) as unknown, []);
  return Array.isArray(parsers) ? parsers.flatMap((parser) => objectProperty<Socket>(parser, 'socket') ?? []) : [];
}
