import fp from 'fastify-plugin';
// Who guards a raw server may have no Fastify. TypeScript must then not stumble over the two mentions of it in the published
// types, with `skipLibCheck` off too: the comments before them are published with them.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore: there may be no Fastify */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Server } from 'node:net';
import { shared } from '../../base/shared-state.js';
import { badOption, GuardError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { callGuarded } from '../../guard/callbacks.js';
import { EqualLines, type Gathered } from '../../guard/equal-lines.js';
import { createGuard, type Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { leakLine, traceFieldsOf } from '../../guard/leak-line.js';
import type { GuardOptions } from '../../guard/options.js';
import { collectInApplication } from './metrics.js';
import type { GuardMetricsOptions } from '../../metrics/prometheus.js';
import { isTcpAddress } from '../../sockets/servers.js';
import { checkPath } from './own-route.js';
import { readInspectorRoute, servePage } from './page.js';
import { checkRouteConfig, routeFinderOf } from './route-info.js';

/** Options of the Fastify plugin: those of {@link GuardOptions} and three of its own. */
export interface CloseWaitGuardPluginOptions extends GuardOptions {
  /**
   * `false`: no metrics. @default no prefix, no labels, and the registry that the application scrapes: that of fastify-metrics, else
   * the global one of the client that is loaded or installed; known when the application is ready
   */
  metrics?: false | GuardMetricsOptions | undefined;
  /**
   * Path of the metrics page, `false` for none. Left alone when the application has a GET route there; answers 501 where there is
   * no Prometheus client. Whoever can reach the application can read it (docs/metrics.md). @default '/metrics'
   */
  metricsRoute?: string | false | undefined;
  /**
   * Path of the page that a person reads, as in `/debug/sockets`: the open leaks with cause and fix, as HTML or JSON (docs/page.md).
   * `false` for none. Shown to loopback clients alone, or to whom `authorize` lets in, which may take 5 s: `true`, or a promise of it;
   * anything else, a throw or a rejection is 403. Behind a proxy on the same machine that adds no header every client is
   * at loopback. Left alone when the application has a GET route there. @default false
   */
  inspectorRoute?:
    | string
    | false
    | { path: string; authorize?: ((request: FastifyRequest) => boolean | Promise<boolean>) | undefined }
    | undefined;
}

// eslint-disable-next-line @typescript-eslint/ban-ts-comment
/** @ts-ignore: there may be no Fastify */
declare module 'fastify' {
  interface FastifyInstance {
    closeWaitGuard: Guard;
  }
  interface FastifyContextConfig {
    /**
     * What the guard does with this route's sockets. `reclaim: false`: it never ends them. `closeWaitTimeout`: how long they may
     * make no progress, ms, 1 to 86,400,000; shorter than the guard's it counts where the plugin was registered before the route.
     */
    closeWaitGuard?: { reclaim?: boolean; closeWaitTimeout?: number };
  }
}

/** One guard for each Fastify root: every context of an application shares its server, and so its guard. */
const guards = shared('fastify-guards', () => new WeakMap<Server, Guard>());

// eslint-disable-next-line @typescript-eslint/require-await -- how Fastify tells a plugin's forms apart; an error is then one of ready()
async function plugin(fastify: FastifyInstance, options: CloseWaitGuardPluginOptions): Promise<void> {
  const existing = guards().get(fastify.server);
  if (existing) {
    joinExisting(fastify, existing, options);
    return;
  }
  const { metrics, metricsRoute = '/metrics', inspectorRoute, ...guardOptions } = options;
  checkPath('metricsRoute', metricsRoute);
  const inspector = readInspectorRoute(inspectorRoute, metrics === false ? false : metricsRoute);
  if (metrics !== undefined && metrics !== false && !isObject(metrics)) {
    throw badOption('metrics', metrics, 'false or an object { register, prefix, labels }');
  }
  const guard = createGuard(guardOptions);
  let uncollect: (() => void) | undefined;
  try {
    const addresses = () => fastify.addresses().filter(isTcpAddress);
    let leastMs = Number.POSITIVE_INFINITY;
    fastify.addHook('onRoute', (route) => {
      leastMs = Math.min(leastMs, checkRouteConfig(route) ?? leastMs);
    });
    const timeOuts = { leastMs: () => leastMs, ofRoutes: true, of: () => undefined };
    internalsOf(guard).watch(fastify.server, {}, { addresses, findRoute: routeFinderOf(fastify), timeOuts });
    if (inspector) servePage(fastify, guard, inspector);
    if (metrics !== false) uncollect = collectInApplication(fastify, guard, metrics ?? {}, metricsRoute);
  } catch (error) {
    guard.close();
    throw error;
  }
  guards().set(fastify.server, guard);
  fastify.decorate('closeWaitGuard', guard);
  const log = logOf(fastify, guard);
  fastify.addHook('onClose', () => {
    uncollect?.();
    log.flush();
    guard.close();
    guards().delete(fastify.server);
  });
}

/** A second registration shares the first one's guard; options of its own would have no effect, so they are an error. */
function joinExisting(fastify: FastifyInstance, guard: Guard, options: CloseWaitGuardPluginOptions): void {
  const own = Object.keys(options);
  if (own.length > 0) {
    throw new GuardError(
      'CWG_ERR_ALREADY_REGISTERED',
      `close-wait-guard is registered on this server already, and this registration has options of its own (${own.join(', ')}); give them where it is registered first`,
    );
  }
  if (!fastify.hasDecorator('closeWaitGuard')) fastify.decorate('closeWaitGuard', guard);
}

/** In the application's log the first of equal leaks is a line at once, and those that follow are one line a minute. */
function logOf(fastify: FastifyInstance, guard: Guard): EqualLines {
  const write = (what: Gathered): void => {
    const { event, leak, more } = what;
    const level = event === 'released' ? 'info' : 'warn';
    fastify.log[level]({ ...traceFieldsOf(leak), leak, ...(more > 0 && { more }) }, leakLine(what));
  };
  const lines = new EqualLines({
    write: (what) => {
      callGuarded(write, undefined, [what], internalsOf(guard).callbackFailed);
    },
  });
  guard.on('leak', (leak) => {
    lines.add('leak', leak);
  });
  guard.on('released', (leak) => {
    lines.add('released', leak);
  });
  guard.on('reclaimed', (leak) => {
    lines.add('reclaimed', leak);
  });
  return lines;
}

/** The Fastify 5 plugin: `server.register(closeWaitGuard)`. Decorates the server with `closeWaitGuard`, a {@link Guard}. */
export const closeWaitGuard = fp(plugin, { fastify: '5.x', name: 'close-wait-guard' });
