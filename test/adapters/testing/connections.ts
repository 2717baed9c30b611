import { once } from 'node:events';
import net, { type Server, type Socket } from 'node:net';
import type { Client, Stage } from '../../support/stage.js';

/** Long enough for a real close on a busy machine, short enough to wait for when there is none. */
export const QUICK = Object.freeze({ deadlineMs: 400 });
/** Longer than a test may take: a search that uses it ends early, or its test fails. */
export const ENDLESS = Object.freeze({ deadlineMs: 600_000 });

/** Both ends of one connection. */
export interface Connection {
  readonly socket: Socket;
  readonly client: Client;
  readonly port: number;
}

/** Reads to the end and never ends its own side: every connection whose client leaves is a leak. */
export function forgetful(): Server {
  return net.createServer({ allowHalfOpen: true }, (socket) => socket.resume());
}

export async function connected(stage: Stage, server: Server): Promise<Connection> {
  const port = await stage.listen(server);
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await stage.connect(port);
  const [socket] = await accepted;
  return { socket, client, port };
}

/** A connection whose client has sent its FIN, and the kernel has delivered it. */
export async function halfClosed(stage: Stage, server: Server): Promise<Connection> {
  const connection = await connected(stage, server);
  await connection.client.halfClose();
  return connection;
}
