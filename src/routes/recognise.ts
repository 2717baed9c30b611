import type { Server } from 'node:net';
import { safePattern } from '../base/escape.js';
import { fact } from '../base/fact.js';
import { isObject } from '../base/objects.js';
import type { Framework } from '../base/vocabulary.js';
import { objectProperty, property, stringProperty } from '../layers/node-internals.js';
import { symbolNamed, underSymbol } from '../layers/symbols.js';
import type { RouteInfo } from '../sockets/servers.js';
import { expressRoute, isExpress } from './express.js';

/** How a framework's requests are known, and its route patterns where they can be read. */
interface Signs {
  readonly framework: Framework;
  readonly isIts: (request: object, server: Server) => boolean;
  readonly routeOf?: (request: object) => string | undefined;
}

/** What the message shows comes before what its server shows: an application may hand a request on to another one. */
const SIGNS: readonly Signs[] = [
  // It puts both on each request; its methods are on every request of the process.
  {
    framework: 'restify',
    isIts: (request) => isObject(property(request, 'timers')) && stringProperty(request, 'serverName') !== undefined,
    routeOf: (request) => stringProperty(property(request, 'route'), 'path'),
  },
  { framework: 'express', isIts: isExpress, routeOf: expressRoute },
  {
    framework: 'next',
    isIts: (request) => property(request, NEXT_META) !== undefined,
    routeOf: (request) => nextRoute(property(request, NEXT_META)),
  },
  {
    framework: 'socket.io',
    isIts: (request) => property(property(request, '_query'), 'EIO') !== undefined,
  },
  {
    framework: 'polka',
    isIts: (request, server) =>
      stringProperty(request, 'originalUrl') !== undefined &&
      isObject(property(request, '_parsedUrl')) &&
      property(request, 'app') === undefined &&
      listensWith(server, (listener) => listener.name === 'bound handler'),
  },
  {
    framework: 'hapi',
    isIts: (_request, server) => listensWith(server, (listener) => contains(listener, 'Request.generate(')),
    routeOf: hapiRoute,
  },
  {
    framework: 'koa',
    isIts: (_request, server) =>
      listensWith(server, (listener) => contains(listener, '.createContext(') && contains(listener, '.handleRequest(')),
  },
  {
    framework: 'hono',
    isIts: (request, server) =>
      symbolNamed(request, 'wrapBodyStream') !== undefined ||
      listensWith(server, (listener) => contains(listener, 'fetchCallback(') && contains(listener, 'outgoing')),
  },
];

/**
 * Whose request it is, and which route took it where its framework leaves that on the message. Undefined: none that is known
 * here. Property reads alone, when a leak is described.
 */
export function recognise(request: object, server: Server): RouteInfo | undefined {
  for (const { framework, isIts, routeOf } of SIGNS) {
    if (!fact(() => isIts(request, server), false)) continue;
    const found = routeOf && fact(() => routeOf(request), undefined);
    const route = found === undefined || found === '' ? undefined : safePattern(found);
    return { framework, route, matched: route === undefined ? undefined : true, reclaim: true };
  }
  return undefined;
}

const NEXT_META = Symbol.for('NextInternalRequestMeta');

function nextRoute(meta: unknown): string | undefined {
  return stringProperty(property(property(meta, 'match'), 'definition'), 'pathname');
}

/** hapi leaves the request on the response that it is transmitting. */
function hapiRoute(message: object): string | undefined {
  const response = objectProperty(property(message, 'socket'), '_httpMessage');
  if (property(response, 'req') !== message) return undefined;
  const request = property(underSymbol(response, 'hapi-response'), 'request');
  return stringProperty(property(request, 'route'), 'path');
}

function listensWith(server: Server, isIt: (listener: { readonly name: string }) => boolean): boolean {
  return server.listeners('request').some((listener) => isIt(listener));
}

/** A listener that is longer is an application's own. */
const MAX_SOURCE = 10_000;

function contains(listener: unknown, text: string): boolean {
  const source = Function.prototype.toString.call(listener);
  return source.length <= MAX_SOURCE && source.includes(text);
}
