import fp from 'fastify-plugin';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AddressInfo, Server } from 'node:net';
import { badOption, GuardError } from './errors.js';
import { createGuard, noteRoute, type Guard } from './guard.js';
import type { LeakReport } from './leaks/report.js';
import type { GuardOptions } from './options.js';
import type { GuardMetricsOptions, GuardRegistry } from './prometheus.js';

/** Options of the Fastify plugin: those of {@link GuardOptions} and two of its own. */
export interface CloseWaitGuardPluginOptions extends GuardOptions {
  /** `false`: no metrics. @default prom-client's global registry, no prefix, no labels */
  metrics?: false | GuardMetricsOptions | undefined;
  /** Path of the metrics page, `false` for none. Left alone when the application has a GET route there. @default '/metrics' */
  metricsRoute?: string | false | undefined;
}

declare module 'fastify' {
  interface FastifyInstance {
    closeWaitGuard: Guard;
  }
  interface FastifyContextConfig {
    /** What the guard may do with this route's sockets. */
    closeWaitGuard?: { reclaim?: boolean };
  }
}

/** One guard for each Fastify root: every context of an application shares its server, and so its guard. */
const guards = new WeakMap<Server, Guard>();

async function plugin(fastify: FastifyInstance, options: CloseWaitGuardPluginOptions): Promise<void> {
  const existing = guards.get(fastify.server);
  if (existing) {
    joinExisting(fastify, existing, options);
    return;
  }
  const { metrics, metricsRoute = '/metrics', ...guardOptions } = options;
  if (metricsRoute !== false && (typeof metricsRoute !== 'string' || !metricsRoute.startsWith('/'))) {
    throw badOption('metricsRoute', metricsRoute, `a path that starts with '/', or false`);
  }
  if (metrics !== false && !isObjectOrLeftOut(metrics)) {
    throw badOption('metrics', metrics, 'false or an object { register, prefix, labels }');
  }
  const guard = createGuard(guardOptions);
  let uncollect: (() => void) | undefined;
  let page: MetricsPage | undefined;
  try {
    guard.watch(fastify.server, {}, { addresses: () => listeningAddresses(fastify), namesRequests: true });
    if (metrics !== false) {
      const { collectGuardMetrics, registryOf } = await loadPrometheus();
      uncollect = collectGuardMetrics(guard, metrics);
      if (metricsRoute !== false) page = serveMetrics(fastify, metricsRoute, registryOf(metrics));
    }
  } catch (error) {
    guard.close();
    throw error;
  }
  guards.set(fastify.server, guard);
  decorate(fastify, guard, page);
  guard.on('leak', (leak) => {
    fastify.log.warn({ leak }, leakLine('Leaked socket', leak));
  });
  guard.on('released', (leak) => {
    fastify.log.info({ leak }, leakLine('Leaked socket was closed', leak));
  });
  guard.on('reclaimed', (leak) => {
    fastify.log.warn({ leak }, leakLine('Leaked socket was reclaimed', leak));
  });
  fastify.addHook('onClose', () => {
    uncollect?.();
    guard.close();
    guards.delete(fastify.server);
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
  if (!fastify.hasDecorator('closeWaitGuard')) decorate(fastify, guard);
}

interface MetricsPage {
  readonly path: string;
  readonly answer: (reply: FastifyReply) => Promise<unknown>;
}

function decorate(fastify: FastifyInstance, guard: Guard, page?: MetricsPage): void {
  fastify.decorate('closeWaitGuard', guard);
  // It runs for every request: one hook and not two, with a callback, for an async one would cost each of them a promise.
  fastify.addHook('onRequest', (request, reply, done) => {
    const { url, config } = request.routeOptions;
    // HTTP/2 has no socket of a request's own, and no shape of it leaks.
    if (request.raw.httpVersionMajor === 1) noteRoute(request.raw, url, config.closeWaitGuard?.reclaim);
    if (page && url !== page.path && isFor(page, request)) page.answer(reply).catch(done);
    else done();
  });
}

/** Whether a GET asks for the page. The caller has seen that the application's route is another one: none, or a wildcard. */
function isFor({ path }: MetricsPage, { url, method }: FastifyRequest): boolean {
  return url.startsWith(path) && isGet(method) && url.split('?', 1)[0] === path;
}

/**
 * Answers GET `path`. In the root context the hook above does it, so that an application which declares the same path
 * later keeps it; an encapsulated context has no say over requests that are not its own, and gets a route.
 */
function serveMetrics(fastify: FastifyInstance, path: string, register: GuardRegistry): MetricsPage | undefined {
  const answer = async (reply: FastifyReply): Promise<FastifyReply> =>
    reply.header('content-type', register.contentType).send(await register.metrics());
  if (isRootContext(fastify)) return { path, answer };
  if (!fastify.hasRoute({ method: 'GET', url: `${fastify.prefix}${path}` })) {
    fastify.get(path, (_request, reply) => answer(reply));
  }
  return undefined;
}

function isGet(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function isObjectOrLeftOut(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null);
}

/** Encapsulated contexts are made with Object.create(parent); the root is a plain object. */
function isRootContext(fastify: FastifyInstance): boolean {
  return Object.getPrototypeOf(fastify) === Object.prototype;
}

function listeningAddresses(fastify: FastifyInstance): AddressInfo[] {
  // A unix socket's address is a string, and before listen() there is none.
  return (fastify.addresses() as (AddressInfo | string | null)[]).filter(
    (address): address is AddressInfo => typeof address === 'object' && address !== null,
  );
}

async function loadPrometheus(): Promise<typeof import('./prometheus.js')> {
  try {
    return await import('./prometheus.js');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new GuardError(
      'CWG_ERR_OPTION',
      `close-wait-guard: option metrics needs the package prom-client (npm install prom-client); metrics: false does without`,
      {
        cause: error,
      },
    );
  }
}

function leakLine(what: string, leak: LeakReport): string {
  return `${what}: ${leak.explanation} Fix: ${leak.fix}`;
}

/** The Fastify 5 plugin: `server.register(closeWaitGuard)`. Decorates the server with `closeWaitGuard`, a {@link Guard}. */
export const closeWaitGuard = fp(plugin, { fastify: '5.x', name: 'close-wait-guard' });
