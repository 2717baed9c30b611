import { badOption, inspectValue } from '../../base/errors.js';
import type { AuditRoute } from '../../frameworks/fastify/routes.js';
import { checkOptionNames, describeRange, integerIn } from '../../base/options.js';
import { HANG_UP_HOWS, HANG_UP_MOMENTS, type HangUpHow, type HangUpMoment } from '../hang-up/options.js';

/** A request for one route, in place of one made from its schema; what is left out is made from it. */
export interface AuditRequest {
  /** Path and query, parameters filled in. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Bytes, or a size in bytes. It is sent many times, so nothing that yields its bytes once. */
  readonly body?: string | Uint8Array | number | undefined;
}

/** What a route is asked with; what is left out comes from its schema. */
export interface AuditExample {
  /** Path parameters; `*` is the wildcard. */
  readonly params?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly query?: Readonly<Record<string, unknown>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** A string or bytes are sent as they are; anything else as JSON, with white space behind it up to the size that leaks need. */
  readonly body?: unknown;
}

/** Options of {@link auditRoutes}. All optional. */
export interface AuditOptions {
  /** False leaves a route out; an object is the request to send it. @default every route */
  filter?: ((route: AuditRoute) => boolean | AuditRequest) | undefined;
  /** By method and pattern, as in `'POST /items/:id'`. They win over the schema. @default none */
  examples?: Readonly<Record<string, AuditExample>> | undefined;
  /** Added to every request: what the application wants to see before it answers. @default none */
  headers?: Readonly<Record<string, string>> | undefined;
  /** When the client leaves. @default all that make sense for the route */
  moments?: readonly HangUpMoment[] | undefined;
  /**
   * How the client leaves, one or several. With `'reset'`, an upgraded socket that has no 'error' listener ends the process.
   * @default 'fin'
   */
  how?: HangUpHow | readonly HangUpHow[] | undefined;
  /** Of each run: how long its moment may take to come, and then how long a close may take, in milliseconds, 1 to 600,000. @default 2000 */
  deadlineMs?: number | undefined;
  /** How many runs go on at the same time, 1 to 100. @default 16 */
  concurrency?: number | undefined;
  /** How many runs there are at most, 1 to 1,000,000. @default 2000 */
  maxRuns?: number | undefined;
  /** After this no run is begun any more, in milliseconds, 1 to 86,400,000. @default 60000 */
  timeLimitMs?: number | undefined;
  /** Also HEAD routes that Fastify made from GET routes. @default false */
  headRoutes?: boolean | undefined;
}

export const AUDIT_DEFAULTS = Object.freeze({
  how: 'fin',
  deadlineMs: 2_000,
  concurrency: 16,
  maxRuns: 2_000,
  timeLimitMs: 60_000,
  headRoutes: false,
} as const);

const NUMBERS = Object.freeze({
  deadlineMs: { range: [1, 600_000], what: 'a whole number of milliseconds' },
  concurrency: { range: [1, 100], what: 'a whole number of runs' },
  maxRuns: { range: [1, 1_000_000], what: 'a whole number of runs' },
  timeLimitMs: { range: [1, 86_400_000], what: 'a whole number of milliseconds' },
} as const);

const OPTION_NAMES = new Set([
  'filter',
  'examples',
  'headers',
  'moments',
  'how',
  ...Object.keys(NUMBERS),
  'headRoutes',
]);
const EXAMPLE_NAMES = new Set(['params', 'query', 'headers', 'body']);
const REQUEST_NAMES = new Set(['path', 'headers', 'body']);

export interface ResolvedAuditOptions {
  /** True: asked with what its schema gives. */
  readonly filter: (route: AuditRoute) => boolean | AuditRequest;
  readonly examples: ReadonlyMap<string, AuditExample>;
  readonly headers: Readonly<Record<string, string>>;
  readonly moments: readonly HangUpMoment[];
  readonly hows: readonly HangUpHow[];
  readonly deadlineMs: number;
  readonly concurrency: number;
  readonly maxRuns: number;
  readonly timeLimitMs: number;
  readonly headRoutes: boolean;
}

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveAuditOptions(options: AuditOptions = {}): ResolvedAuditOptions {
  checkOptionNames(options, OPTION_NAMES);
  const headRoutes: unknown = options.headRoutes ?? AUDIT_DEFAULTS.headRoutes;
  if (typeof headRoutes !== 'boolean') throw badOption('headRoutes', headRoutes, 'true or false');
  const { filter, examples } = options;
  if (filter !== undefined && typeof filter !== 'function') {
    throw badOption('filter', filter, 'a function (route) => boolean or a request { path, headers, body }');
  }
  return Object.freeze({
    filter: filter ? checkedFilter(filter) : () => true,
    examples: examplesOf(examples),
    headers: headersOf('headers', options.headers),
    moments: someOf('moments', options.moments ?? HANG_UP_MOMENTS, HANG_UP_MOMENTS, false),
    hows: someOf('how', options.how ?? AUDIT_DEFAULTS.how, HANG_UP_HOWS, true),
    deadlineMs: numberOf('deadlineMs', options),
    concurrency: numberOf('concurrency', options),
    maxRuns: numberOf('maxRuns', options),
    timeLimitMs: numberOf('timeLimitMs', options),
    headRoutes,
  });
}

function numberOf(name: keyof typeof NUMBERS, options: AuditOptions): number {
  const value: unknown = options[name] ?? AUDIT_DEFAULTS[name];
  const { range, what } = NUMBERS[name];
  if (!integerIn(value, range)) throw badOption(name, value, describeRange(range, what));
  return value;
}

/** In the order of `all`, each once. */
function someOf<T extends string>(name: string, given: unknown, all: readonly T[], orOne: boolean): T[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : orOne ? [given] : [];
  const unknown = list.find((item) => !all.includes(item as T));
  if (list.length === 0 || unknown !== undefined) {
    const takes = `${orOne ? 'one or an array' : 'an array'} of ${all.join(', ')}`;
    throw badOption(name, list.length === 0 ? given : unknown, takes);
  }
  return all.filter((item) => list.includes(item));
}

function examplesOf(given: unknown): ReadonlyMap<string, AuditExample> {
  if (given === undefined) return new Map();
  if (!isRecord(given))
    throw badOption('examples', given, `an object, as in { 'POST /items/:id': { params, query, headers, body } }`);
  return new Map(
    Object.entries(given).map(([name, example]) => {
      const path = `examples[${inspectValue(name)}]`;
      if (!isRecord(example)) throw badOption(path, example, 'an object { params, query, headers, body }');
      checkOptionNames(example, EXAMPLE_NAMES, `${path}.`);
      for (const part of ['params', 'query'] as const) {
        if (example[part] !== undefined && !isRecord(example[part]))
          throw badOption(`${path}.${part}`, example[part], 'an object');
      }
      return [name, { ...example, headers: headersOf(`${path}.headers`, example.headers) }];
    }),
  );
}

function checkedFilter(filter: NonNullable<AuditOptions['filter']>): ResolvedAuditOptions['filter'] {
  return (route) => {
    const answer: unknown = filter(route);
    if (typeof answer === 'boolean') return answer;
    const name = `filter, for ${route.method} ${route.url}, `;
    if (!isRecord(answer) || answer instanceof Promise) {
      throw badOption(`${name}has returned what`, answer, 'true, false or a request { path, headers, body }');
    }
    checkOptionNames(answer, REQUEST_NAMES);
    const { path, headers, body } = answer;
    if (path !== undefined && (typeof path !== 'string' || !path.startsWith('/'))) {
      throw badOption(`${name}path`, path, `a path that starts with '/'`);
    }
    const isBody =
      typeof body === 'string' || body instanceof Uint8Array || integerIn(body, [0, Number.MAX_SAFE_INTEGER]);
    if (body !== undefined && !isBody) throw badOption(`${name}body`, body, 'a string, bytes, or a size in bytes');
    return { path, headers: headersOf(`${name}headers`, headers), body };
  };
}

function headersOf(name: string, given: unknown): Readonly<Record<string, string>> {
  if (given === undefined) return {};
  if (!isRecord(given) || !Object.values(given).every((value) => typeof value === 'string')) {
    throw badOption(name, given, 'an object of strings');
  }
  return given as Record<string, string>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
