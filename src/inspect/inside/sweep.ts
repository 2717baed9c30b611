import { activeServers, activeSockets, httpConnectionsOf } from '../../layers/active-handles.js';
import { dropNotes } from '../../layers/notes.js';
import { topSocketOf } from '../../layers/tls.js';

/** Takes this library's notes off the sockets of this thread. */
export function sweepNotes(): void {
  const sockets = [...activeSockets(), ...activeServers().flatMap(httpConnectionsOf)];
  for (const socket of sockets) {
    dropNotes(socket);
    dropNotes(topSocketOf(socket));
  }
}
