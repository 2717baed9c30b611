import { badOption, GuardError, inspectValue } from '../../base/errors.js';
import { isRecord } from '../../base/objects.js';
import type { AuditRoute } from '../../frameworks/fastify/routes.js';
import { boolean, checkOptionNames, integer, integerIn, readOptions, type OptionRule } from '../../base/options.js';
import { meantPart } from '../hang-up/names.js';
import { HANG_UP_WAYS, HANG_UP_MOMENTS, type HangUpWay, type HangUpMoment } from '../hang-up/options.js';

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
  how?: HangUpWay | readonly HangUpWay[] | undefined;
  /**
   * Of each run: how long its moment may take to come (1250 at the most), and then how long a close may take, in milliseconds, 1 to
   * 600,000. @default 1500
   */
  deadlineMs?: number | undefined;
  /** How many runs go on at the same time, 1 to 100. @default 64 */
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
  deadlineMs: 1_500,
  concurrency: 64,
  maxRuns: 2_000,
  timeLimitMs: 60_000,
  headRoutes: false,
} as const);

const EXAMPLE_NAMES = new Set(['params', 'query', 'headers', 'body']);
const REQUEST_NAMES = new Set(['path', 'headers', 'body']);

type HeaderValues = Readonly<Record<string, string>>;

export interface ResolvedAuditOptions {
  /** True: asked with what its schema gives. */
  readonly filter: (route: AuditRoute) => boolean | AuditRequest;
  readonly examples: ReadonlyMap<string, AuditExample>;
  readonly headers: Readonly<Record<string, string>>;
  readonly moments: readonly HangUpMoment[];
  readonly ways: readonly HangUpWay[];
  readonly deadlineMs: number;
  readonly concurrency: number;
  readonly maxRuns: number;
  readonly timeLimitMs: number;
  readonly headRoutes: boolean;
}

const FILTER_TAKES = 'true, false or a request { path, headers, body }';

const AUDIT_OPTIONS = Object.freeze({
  filter: {
    default: () => true,
    takes: 'a function (route) => boolean or a request { path, headers, body }',
    read: filterOf,
  },
  examples: {
    default: new Map(),
    takes: `an object, as in { 'POST /items/:id': { params, query, headers, body } }`,
    read: examplesOf,
  },
  headers: { default: {}, takes: 'an object of strings', read: headersOf },
  moments: someOf(HANG_UP_MOMENTS, [...HANG_UP_MOMENTS], false),
  how: someOf(HANG_UP_WAYS, [AUDIT_DEFAULTS.how], true),
  deadlineMs: integer('milliseconds', [1, 600_000], AUDIT_DEFAULTS.deadlineMs),
  concurrency: integer('runs', [1, 100], AUDIT_DEFAULTS.concurrency),
  maxRuns: integer('runs', [1, 1_000_000], AUDIT_DEFAULTS.maxRuns),
  timeLimitMs: integer('milliseconds', [1, 86_400_000], AUDIT_DEFAULTS.timeLimitMs),
  headRoutes: boolean(AUDIT_DEFAULTS.headRoutes),
});

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveAuditOptions(options: AuditOptions = {}): ResolvedAuditOptions {
  const { how: ways, ...rest } = readOptions(AUDIT_OPTIONS, options);
  return Object.freeze({ ...rest, ways });
}

/** Some of a closed set of words, each once and in the order of the set. @param orOne a word alone is taken, too */
function someOf<T extends string>(all: readonly T[], initial: readonly T[], orOne: boolean): OptionRule<readonly T[]> {
  const takes = `${orOne ? 'one or an array' : 'an array'} of ${all.join(', ')}`;
  return {
    default: initial,
    takes,
    read: (given, name) => {
      const list: readonly unknown[] = Array.isArray(given) ? given : orOne ? [given] : [];
      if (list.length === 0) throw badOption(name, given, takes);
      const unknown = list.find((item) => !all.includes(item as T));
      if (unknown !== undefined) throw badOption(name, unknown, takes);
      return all.filter((item) => list.includes(item));
    },
  };
}

function examplesOf(given: unknown, option: string): ReadonlyMap<string, AuditExample> {
  if (!isRecord(given)) throw badOption(option, given, AUDIT_OPTIONS.examples.takes);
  return new Map(
    Object.entries(given).map(([name, example]) => {
      const path = `${option}[${inspectValue(name)}]`;
      if (!isRecord(example)) throw badOption(path, example, 'an object { params, query, headers, body }');
      checkOptionNames(example, EXAMPLE_NAMES, `${path}.`);
      for (const part of ['params', 'query'] as const) {
        if (example[part] !== undefined && !isRecord(example[part]))
          throw badOption(`${path}.${part}`, example[part], 'an object');
      }
      const { headers } = example;
      return [name, { ...example, headers: headers === undefined ? {} : headersOf(headers, `${path}.headers`) }];
    }),
  );
}

function headersOf(given: unknown, option: string): HeaderValues {
  if (!areHeaders(given)) throw badOption(option, given, AUDIT_OPTIONS.headers.takes);
  return given;
}

function areHeaders(given: unknown): given is HeaderValues {
  return isRecord(given) && Object.values(given).every((value) => typeof value === 'string');
}

/** The application's filter, which throws CWG_ERR_OPTION for a result that it cannot have. */
function filterOf(given: unknown, option: string): ResolvedAuditOptions['filter'] {
  if (typeof given !== 'function') throw badOption(option, given, AUDIT_OPTIONS.filter.takes);
  const filter = given as NonNullable<AuditOptions['filter']>;
  return (route) => {
    const result: unknown = filter(route);
    if (typeof result === 'boolean') return result;
    const bad = (what: string, value: unknown, takes: string): GuardError =>
      new GuardError(
        'CWG_ERR_OPTION',
        `close-wait-guard: option ${option} returned ${what}${inspectValue(value)} for ${route.method} ${route.url}; it takes ${takes}`,
      );
    if (!isRecord(result) || result instanceof Promise) throw bad('', result, FILTER_TAKES);
    checkOptionNames(result, REQUEST_NAMES, '', meantPart);
    const { path, headers = {}, body } = result;
    if (path !== undefined && (typeof path !== 'string' || !path.startsWith('/')))
      throw bad('a request with path ', path, `a path that starts with '/'`);
    if (body !== undefined && !isBody(body))
      throw bad('a request with body ', body, 'a string, bytes, or a size in bytes');
    if (!areHeaders(headers)) throw bad('a request with headers ', headers, 'an object of strings');
    return { path, headers, body };
  };
}

function isBody(body: unknown): body is NonNullable<AuditRequest['body']> {
  return typeof body === 'string' || body instanceof Uint8Array || integerIn(body, [0, Number.MAX_SAFE_INTEGER]);
}
