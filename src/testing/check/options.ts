import { Server, type AddressInfo } from 'node:net';
import { badArgument, badOption } from '../../base/errors.js';
import { isTcpAddress } from '../../sockets/servers.js';
import { boolean, integer, readOptions } from '../../base/options.js';
import { isIgnored as isIgnoredBy, readRule, type IgnoreRule } from '../../guard/ignore.js';
import type { LeakReport } from '../../leaks/report.js';

/** An object with a server: a Fastify instance. */
export interface ServerHolder {
  readonly server: Server;
  /** Fastify's: every address it listens on, each of which may have a server of its own. */
  readonly addresses?: () => readonly unknown[];
}

/** Options of {@link findLeakedSockets} and {@link assertNoLeakedSockets}. All optional. */
export interface FindLeakedSocketsOptions {
  /**
   * How long a close that is under way may take, in milliseconds, 0 to 600,000. The search ends sooner when no socket is
   * half-closed any more. 0 samples once, and takes whatever is half-closed at that instant for a leak.
   * @default 1500
   */
  deadlineMs?: number | undefined;
  /**
   * `true`: every socket that is still half-closed, reset or stalled at the deadline is a leak. `false`: not one that made
   * progress (bytes read, bytes acknowledged, a state change) in the second half of the deadline, as somebody works on it,
   * and not a stalled one whose peer may still be there.
   * @default false
   */
  strict?: boolean | undefined;
  /** Only connections that these servers (net, tls, http, https, http2) or Fastify instances accepted. @default the whole process */
  server?: Server | ServerHolder | readonly (Server | ServerHolder)[] | undefined;
  /** Leaks that do not count: their ids, rules as the guard's option `ignore` takes them, or a function that says so. @default none */
  ignore?: readonly (string | IgnoreRule)[] | ((leak: LeakReport) => boolean) | undefined;
}

/** Options of `configureLeakCheck`: how each test of a file is checked at its end. All optional. */
export type LeakCheckOptions = Omit<FindLeakedSocketsOptions, 'server'>;

/** Which leaks: their ids, or a function that says so. */
export type AllowedLeaks = readonly string[] | ((leak: LeakReport) => boolean);

const LEAKS_TAKES = 'an array of leak ids (strings), or a function (leak) => boolean';
const IGNORE_TAKES = `${LEAKS_TAKES}; an array may have rules { route, cause, server, destination, fingerprint, until }, too`;
const SERVER_TAKES = 'a net, tls, http, https or http2 server, a Fastify instance, or an array of these';

export interface Accepting {
  readonly server: Server;
  readonly addresses: (() => readonly AddressInfo[]) | undefined;
}

export interface ResolvedFindOptions {
  readonly deadlineMs: number;
  readonly strict: boolean;
  /** Undefined: the whole process. */
  readonly servers: readonly Accepting[] | undefined;
  readonly isIgnored: (leak: LeakReport) => boolean;
}

const CHECK_OPTIONS = Object.freeze({
  deadlineMs: integer('milliseconds', [0, 600_000], 1_500),
  strict: boolean(false),
  ignore: { default: () => false, takes: IGNORE_TAKES, read: ignorer },
});
const FIND_OPTIONS = Object.freeze({
  deadlineMs: CHECK_OPTIONS.deadlineMs,
  strict: CHECK_OPTIONS.strict,
  server: { default: undefined, takes: SERVER_TAKES, read: serversOf },
  ignore: CHECK_OPTIONS.ignore,
});

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveFindOptions(options: FindLeakedSocketsOptions = {}): ResolvedFindOptions {
  const { deadlineMs, strict, server: servers, ignore: isIgnored } = readOptions(FIND_OPTIONS, options);
  return { deadlineMs, strict, servers, isIgnored };
}

export type ResolvedCheckOptions = Omit<ResolvedFindOptions, 'servers'>;

/** What is not given stays as it was. @throws GuardError CWG_ERR_OPTION */
export function resolveCheckOptions(options: LeakCheckOptions, current?: ResolvedCheckOptions): ResolvedCheckOptions {
  const given = readOptions(CHECK_OPTIONS, options);
  const { deadlineMs, strict, ignore } = options;
  return {
    deadlineMs: deadlineMs === undefined && current ? current.deadlineMs : given.deadlineMs,
    strict: strict === undefined && current ? current.strict : given.strict,
    isIgnored: ignore === undefined && current ? current.isIgnored : given.ignore,
  };
}

/** @throws GuardError CWG_ERR_ARGUMENT */
export function resolveAllowed(which: AllowedLeaks | undefined): (leak: LeakReport) => boolean {
  if (which === undefined) return () => true;
  const isAllowed = filterOf(which);
  if (!isAllowed) throw badArgument('what is given to allowLeaks()', which, `nothing, ${LEAKS_TAKES}`);
  return isAllowed;
}

function serversOf(given: unknown, option: string): readonly Accepting[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  // An empty list would search nothing, and pass for ever.
  if (list.length === 0) throw badOption(option, given, SERVER_TAKES);
  return list.map((item) => {
    if (item instanceof Server) return { server: item, addresses: undefined };
    const holder = (item ?? {}) as Partial<ServerHolder>;
    if (!(holder.server instanceof Server)) throw badOption(option, item, SERVER_TAKES);
    if (typeof holder.addresses !== 'function') return { server: holder.server, addresses: undefined };
    const { server } = holder;
    return { server, addresses: () => holder.addresses?.().filter(isTcpAddress) ?? [] };
  });
}

function ignorer(given: unknown, option: string): (leak: LeakReport) => boolean {
  const isIgnored = filterOf(given);
  if (isIgnored) return isIgnored;
  if (!Array.isArray(given)) throw badOption(option, given, IGNORE_TAKES);
  const ids = new Set<unknown>(given.filter((item) => typeof item === 'string'));
  const rules = given.flatMap((item: unknown, index) =>
    typeof item === 'string' ? [] : readRule(item, `${option}[${index}]`),
  );
  return (leak) => ids.has(leak.id) || isIgnoredBy(rules, leak);
}

/** Undefined when it is neither ids nor a function. */
function filterOf(given: unknown): ((leak: LeakReport) => boolean) | undefined {
  if (typeof given === 'function') return given as (leak: LeakReport) => boolean;
  if (!Array.isArray(given) || !given.every((id) => typeof id === 'string')) return undefined;
  const ids = new Set<string>(given);
  return ({ id }) => ids.has(id);
}
