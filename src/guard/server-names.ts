import type { Server } from 'node:net';
import type { Framework } from '../base/vocabulary.js';
import { recognise } from '../routes/recognise.js';
import { defaultServerName, type RoutedRequest, type RouteInfo, type WatchedServers } from '../sockets/servers.js';
import type { Failures } from './failures.js';
import type { Names } from './leak-facts.js';
import { routeFinderOf } from './reporters.js';

/** What a guard's servers and their routes are called. */
export class ServerNames implements Names {
  readonly #servers: WatchedServers;
  readonly #failures: Failures;

  constructor(servers: WatchedServers, failures: Failures) {
    this.#servers = servers;
    this.#failures = failures;
  }

  readonly ofServer = (server: Server, port?: number): string =>
    this.#servers.find(server)?.name ?? defaultServerName(server, port);

  readonly ofRoute = (server: Server, request: RoutedRequest): RouteInfo | undefined => {
    const told = this.#toldRoute(server, request);
    if (told?.route !== undefined) return { ...told, framework: told.framework ?? frameworkOf(request, server) };
    const seen = recognise(request, server);
    if (!told) return seen;
    // A framework whose plugin is registered may have another one's application in front of it.
    return seen?.route === undefined
      ? { ...told, framework: told.framework ?? seen?.framework }
      : { ...seen, reclaim: told.reclaim };
  };

  #toldRoute(server: Server, request: RoutedRequest): RouteInfo | undefined {
    try {
      return routeFinderOf(server)?.(request);
    } catch (error) {
      // A leak must not go unreported for want of a pattern.
      this.#failures.note(
        'sample',
        new Error('a route could not be looked up; reports have its path instead', { cause: error }),
      );
      // Nor be reclaimed where its route might forbid it.
      return { route: undefined, matched: undefined, reclaim: false };
    }
  }
}

function frameworkOf(request: RoutedRequest, server: Server): Framework | undefined {
  return recognise(request, server)?.framework;
}
