import type { FastifyInstance } from 'fastify';
import type { Guard } from '../../guard/guard.js';
import { twoRegistries } from '../../guard/warnings.js';
import { findGlobalRegistry, HOW_TO_GET_A_CLIENT, registryOfDecorator } from '../../metrics/clients.js';
import { resolveMetricsOptions, collectGuardMetrics, type GuardMetricsOptions } from '../../metrics/prometheus.js';
import type { GuardRegistry } from '../../metrics/registry.js';
import { HIDDEN, yieldingRoute } from './own-route.js';

/**
 * Collects into the registry that was given; else, when the application is ready, into the one that it scrapes: whichever
 * plugin was registered first, and whoever clears a registry while it starts. Returns a dispose function.
 * @throws GuardError as collectGuardMetrics() does
 */
export function collectInApplication(
  fastify: FastifyInstance,
  guard: Guard,
  options: GuardMetricsOptions,
  route: string | false,
): () => void {
  resolveMetricsOptions(options);
  let register = options.register;
  let uncollect: (() => void) | undefined;
  let closed = false;
  if (register) {
    uncollect = collectGuardMetrics(guard, options);
  } else {
    fastify.addHook('onReady', (done) => {
      try {
        register = closed ? undefined : registryOfApplication(fastify);
        if (register) uncollect = collectGuardMetrics(guard, { ...options, register });
        done();
      } catch (error) {
        done(error as Error);
      }
    });
  }
  if (route !== false) serveMetrics(fastify, route, () => register);
  return () => {
    closed = true;
    uncollect?.();
  };
}

function registryOfApplication(fastify: FastifyInstance): GuardRegistry | undefined {
  const decorated = registryOfDecorator(fastify);
  if (decorated) return decorated;
  const found = findGlobalRegistry();
  if (!found) fastify.log.info(`close-wait-guard: ${NO_CLIENT}`);
  else if (found.others.length > 0) fastify.log.warn(`close-wait-guard: ${twoRegistries(found.from, found.others)}`);
  return found?.register;
}

const NO_CLIENT = `there is no Prometheus client, and so there are no metrics: ${HOW_TO_GET_A_CLIENT}`;

/** Answers GET `path`, unless the application has a route of this path. */
function serveMetrics(fastify: FastifyInstance, path: string, registry: () => GuardRegistry | undefined): void {
  fastify.get(yieldingRoute(path, 0), { schema: HIDDEN }, async (_request, reply) => {
    const register = registry();
    if (!register) return reply.code(501).type('text/plain; charset=utf-8').send(`close-wait-guard: ${NO_CLIENT}\n`);
    return reply.header('content-type', register.contentType).send(await register.metrics());
  });
}
