import { BlockList, isIPv6, Server } from 'node:net';
import { badArgument, GuardError, inspectValue } from '../../base/errors.js';
import type { RoutePrinter } from '../../frameworks/fastify/routes.js';

/** A Fastify 5 instance, as far as an audit uses it: of any server, logger and type provider. */
export interface FastifyApplication extends RoutePrinter {
  readonly server: Server;
  ready(): PromiseLike<unknown>;
  listen(options: { readonly port: number; readonly host: string }): Promise<string>;
}

const FUNCTIONS = ['ready', 'listen', 'printRoutes', 'getSchemas'] as const;
const TAKES = 'a Fastify 5 instance (the one the routes are registered on)';
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** @throws GuardError CWG_ERR_ARGUMENT */
export function checkFastify(given: unknown): asserts given is FastifyApplication {
  const instance = (given ?? {}) as Partial<FastifyApplication>;
  if (!(instance.server instanceof Server) || FUNCTIONS.some((name) => typeof instance[name] !== 'function')) {
    throw badArgument('what auditRoutes() is given', given, TAKES);
  }
  if (instance.server.constructor.name === 'Http2Server') {
    throw badArgument('the server of what auditRoutes() is given', instance.server, 'one that speaks HTTP/1.1');
  }
}

/**
 * Makes the application ready, and listen on 127.0.0.1 when it does not listen. It stays so: of a Fastify instance only all
 * can be closed, and that is for the one who made it.
 * @throws GuardError CWG_ERR_ARGUMENT when it listens where only others can reach it
 */
export async function makeListen(fastify: FastifyApplication): Promise<void> {
  await fastify.ready();
  if (!fastify.server.listening) await fastify.listen({ port: 0, host: '127.0.0.1' });
  // The one that is called. A unix socket's address is a string.
  const address = fastify.server.address();
  if (address !== null && typeof address !== 'string' && isOwn(address.address)) return;
  const where = typeof address === 'string' ? address : address?.address;
  throw new GuardError(
    'CWG_ERR_ARGUMENT',
    `close-wait-guard: auditRoutes() contacts loopback addresses only, and the application listens on ${inspectValue(where)}; let it listen on 127.0.0.1, or not at all`,
  );
}

function isOwn(address: string): boolean {
  return WILDCARDS.has(address) || loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
