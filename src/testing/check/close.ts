import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { activeSockets } from '../../layers/active-handles.js';
import { errorIsHandled, httpMessageOf } from '../../layers/node-internals.js';
import type { LeakReport } from '../../leaks/report.js';

/**
 * Closes leaks that a failure has named: they keep no server from closing then.
 *
 * Where the application has left bytes unread, the kernel resets the connection. A client that the test has in this process may
 * still be there, half-closed, and have no listener for that error, which would end the process or fail another test.
 */
export function closeReported(guard: Guard, leaks: readonly LeakReport[]): void {
  if (leaks.length === 0) return;
  const clients = new Set(leaks.map(({ localPort, remotePort }) => `${remotePort} ${localPort}`));
  for (const socket of activeSockets()) if (clients.has(`${socket.localPort} ${socket.remotePort}`)) tolerate(socket);
  internalsOf(guard).closeSockets(leaks.map(({ id }) => id));
}

/** http hands the error of a client's socket on to its ClientRequest. */
function tolerate(socket: Socket): void {
  const request = httpMessageOf(socket) as EventEmitter | undefined;
  for (const emitter of request ? [socket, request] : [socket])
    if (!errorIsHandled(emitter)) emitter.on('error', () => undefined);
}
