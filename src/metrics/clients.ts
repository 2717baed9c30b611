import path from 'node:path';
import { applicationFolders, requireFrom } from '../base/application.js';
import { isObject } from '../base/objects.js';
import { isRegistry, type GuardRegistry } from './registry.js';

/** The clients whose global registry is found by itself, in the order in which they are taken where nothing tells them apart. */
export const CLIENTS = ['prom-client', '@prometheus-io/client', '@platformatic/prom-client'] as const;

/** What to install, in the words of an error or a page. */
export const HOW_TO_GET_A_CLIENT =
  'install prom-client (or @prometheus-io/client, on Node 22 and later), or pass the registry itself: metrics: { register } or collectGuardMetrics(guard, { register })';

/** A registry that was found, and where. */
export interface FoundRegistry {
  readonly register: GuardRegistry;
  /** As in `prom-client (/app/node_modules/prom-client/index.js)`. */
  readonly from: string;
  /** Others that were as likely to be the one. */
  readonly others: readonly string[];
}

interface Candidate {
  readonly register: GuardRegistry;
  readonly from: string;
  /** The application uses it, as far as can be seen. */
  readonly weight: number;
  /** Among the {@link CLIENTS}. */
  readonly rank: number;
}

/**
 * The global registry of the client that the application uses: one that is loaded goes before one that is only installed
 * (it is then loaded), and of the loaded ones those that have metrics. Undefined where there is none. Synchronous, and never throws.
 *
 * Installed is what the main script or the working directory can `require`. Bundled into the application's own file it is
 * not found: then the registry has to be passed.
 */
export function findGlobalRegistry(): FoundRegistry | undefined {
  const candidates = loadedClients();
  if (candidates.length === 0) candidates.push(...installedClients());
  candidates.sort((a, b) => b.weight - a.weight || a.rank - b.rank);
  const [best, ...rest] = candidates;
  if (!best) return undefined;
  const others = rest.filter(({ weight }) => weight === best.weight).map(({ from }) => from);
  return { register: best.register, from: best.from, others };
}

/** The registry of a decorator like that of fastify-metrics (`fastify.metrics.client`), under whichever name. */
export function registryOfDecorator(instance: object): GuardRegistry | undefined {
  // Contexts of an application inherit from their parents; a getter of Fastify's own is not asked.
  for (let holder: unknown = instance; isObject(holder); holder = Object.getPrototypeOf(holder)) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(holder))) {
      const register = registryOfClient(property(value, 'client'));
      if (register) return register;
    }
  }
  return undefined;
}

/** Whichever copy it is, also one that only a dependency of the application can resolve. */
function loadedClients(): Candidate[] {
  // Shared by all requires of a process; of jest's, by those of a test file.
  const { cache } = requireFrom(path.sep);
  return Object.entries(cache).flatMap(([file, module]) => {
    const name = CLIENTS.find((client) => file.endsWith(path.join('node_modules', client, 'index.js')));
    const register = registryOfClient(property(module, 'exports'));
    return name && register
      ? [{ register, from: `${name} (${file})`, weight: hasMetrics(register) ? 2 : 1, rank: CLIENTS.indexOf(name) }]
      : [];
  });
}

function installedClients(): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const folder of applicationFolders()) {
    for (const [rank, name] of CLIENTS.entries()) {
      try {
        const require = requireFrom(folder);
        const file = require.resolve(name);
        const register = registryOfClient(require(file));
        if (register && !found.has(file)) found.set(file, { register, from: `${name} (${file})`, weight: 0, rank });
      } catch {
        // Not installed there, not for this Node, or not to be read (--permission).
        continue;
      }
    }
    // The main script's own goes before what lies around the working directory.
    if (found.size > 0) break;
  }
  return [...found.values()];
}

function registryOfClient(client: unknown): GuardRegistry | undefined {
  // A namespace or an interop wrapper has it one step further.
  for (const holder of [client, property(client, 'default')]) {
    const register = property(holder, 'register');
    if (isRegistry(register) && typeof property(holder, 'Registry') === 'function') return register;
  }
  return undefined;
}

function hasMetrics(register: GuardRegistry): boolean {
  try {
    const metrics = (register as { getMetricsAsArray?: () => unknown }).getMetricsAsArray?.();
    return Array.isArray(metrics) && metrics.length > 0;
  } catch {
    return false;
  }
}

/** A property of what the application made; undefined when it throws. */
function property(holder: unknown, name: string): unknown {
  try {
    return isObject(holder) || typeof holder === 'function' ? (holder as Record<string, unknown>)[name] : undefined;
  } catch {
    return undefined;
  }
}
