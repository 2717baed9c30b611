import type { Server } from 'node:net';
import type { NativeBinding } from './kernel/native.js';
import { censusByPort, type PortCensus } from './kernel/sock-diag.js';
import { SocketBatch } from './kernel/socket-batch.js';
import { TcpState } from './kernel/tcp-states.js';
import { fdOf } from './sockets/node-internals.js';
import type { WatchedServers } from './sockets/servers.js';
import type { ListenerStats } from './stats.js';

/** The watched servers' listening sockets, read now. Where netlink is refused, `onRefused` is told and the rest stands. */
export function listenerStats(
  binding: NativeBinding,
  servers: WatchedServers,
  nameOf: (server: Server) => string,
  onRefused: (error: unknown) => void,
): ListenerStats[] {
  const listening = servers.all().flatMap(({ server, addresses }) => {
    const fd = fdOf(server);
    const ports = addresses().map(({ port }) => port);
    return ports.length > 0 ? [{ name: nameOf(server), fd, ports: [...new Set(ports)] }] : [];
  });
  if (listening.length === 0) return [];
  const census = takeCensus(binding, listening.flatMap(({ ports }) => ports), onRefused);
  const batch = new SocketBatch();
  for (const { fd } of listening) batch.push(fd ?? -1);
  batch.read(binding);
  return listening.map(({ name, ports }, row) => {
    // In a cluster worker the listening socket is the primary's, and there is no fd here to read.
    const isListener = batch.field(row, 'errno') === 0 && batch.field(row, 'state') === TcpState.LISTEN;
    const counts = ports.map((port) => census?.get(port));
    return {
      server: name,
      acceptQueue: isListener ? batch.field(row, 'acceptQueue') : 0,
      acceptQueueLimit: isListener ? batch.field(row, 'backlog') : 0,
      acceptQueueCloseWait: census && sum(counts, 'acceptQueueCloseWait'),
      finWait2: census && sum(counts, 'finWait2'),
    };
  });
}

function takeCensus(
  binding: NativeBinding,
  ports: readonly number[],
  onRefused: (error: unknown) => void,
): Map<number, PortCensus> | undefined {
  try {
    return censusByPort(binding, ports);
  } catch (error) {
    onRefused(error);
    return undefined;
  }
}

function sum(counts: readonly (PortCensus | undefined)[], name: keyof PortCensus): number {
  return counts.reduce((total, count) => total + (count?.[name] ?? 0), 0);
}
