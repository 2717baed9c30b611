import type { FastifyInstance } from 'fastify';
import type { AddressInfo } from 'node:net';
import type { Stage } from './stage.js';

/** Listens on a free loopback port; the stage closes the application, also with connections that never end. */
export async function listenApp(stage: Stage, app: FastifyInstance, host = '127.0.0.1'): Promise<number> {
  stage.defer(() => app.close());
  await app.listen({ port: 0, host });
  // close() waits for its connections, and a leaked one never ends.
  stage.defer(() => app.server.closeAllConnections());
  return (app.server.address() as AddressInfo).port;
}
