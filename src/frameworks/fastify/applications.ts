import type { FastifyInstance } from 'fastify';
import { subscribeAll } from '../../base/channels.js';
import { noteApplication } from '../../guard/known-applications.js';
import { noteLeastTimeOut } from '../../layers/notes.js';
import { isTcpAddress } from '../../sockets/servers.js';
import { routeFinderOf, timeOutOf } from './route-info.js';

/** The oldest major version whose router is known here; what an older one calls itself is not followed. */
const OLDEST = 5;

/**
 * Follows each Fastify application from its making on (`fastify.initialization`, fastify.dev, "Diagnostics Channel"), where the
 * plugin is not registered. Its routes are looked up when a leak is described, as the plugin does it: of requests nothing is noted,
 * and they cost nothing. Returns a dispose function.
 */
export function followFastifyApplications(): () => void {
  return subscribeAll(
    {
      'fastify.initialization': ({ fastify }: { readonly fastify?: FastifyInstance }) => {
        if (fastify && Number.parseInt(fastify.version, 10) >= OLDEST) follow(fastify);
      },
    },
    () => undefined,
  );
}

function follow(fastify: FastifyInstance): void {
  const findRoute = routeFinderOf(fastify);
  fastify.addHook('onRoute', (route) => {
    const ms = timeOutOf(route);
    if (ms !== undefined) noteLeastTimeOut(ms);
  });
  noteApplication(fastify.server, {
    addresses: () => fastify.addresses().filter(isTcpAddress),
    findRoute,
  });
}
