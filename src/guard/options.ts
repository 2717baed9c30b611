import type { Socket } from 'node:net';
import {
  boolean,
  callback,
  defaultsOf,
  integer,
  oneOf,
  option,
  readOptions,
  type OptionRule,
  type OptionValues,
} from '../base/options.js';
import type { LeakReport } from '../leaks/report.js';
import { IGNORE_OPTION, type IgnoreRule } from './ignore.js';
import { RECLAIM_OPTION, type ReclaimOptions } from './reclaim-options.js';

export type { IgnoreRule } from './ignore.js';
export type { ReclaimOptions } from './reclaim-options.js';

/** Options of {@link createGuard}. All optional, times in milliseconds. */
export interface GuardOptions {
  /**
   * How long a socket whose peer has gone may make no progress before it is a leak. 1 to 86,400,000 (a day).
   * @default 60000: the default of `net.ipv4.tcp_fin_timeout` (tcp(7)). Past it the peer's end of the connection
   * is gone, its port is free for reuse, and only this process still holds the 4-tuple. A server may have another one, and so may
   * a route: `watch(server, { closeWaitTimeout })`, and in Fastify `config: { closeWaitGuard: { closeWaitTimeout } }`.
   */
  closeWaitTimeout?: number | undefined;
  /**
   * Time between two samples, 10 to 3,600,000; 0 samples only on demand (`leaks()`, `sockets()`, a scrape).
   * @default 1000
   */
  sampleInterval?: number | undefined;
  /**
   * `'process'`: inbound and outbound sockets of the whole process, and fds that no JS socket owns.
   * `'watched'`: only connections of servers given to `watch()`.
   * @default 'process'
   */
  scope?: 'process' | 'watched' | undefined;
  /**
   * How many open leaks get a report of their own (event, log line, element of `leaks()`), 1 to 100,000. Further leaks are
   * counted in `stats().unreported` and are reported when there is room again: a flood of leaks must not become a flood of logs.
   * @default 1000
   */
  maxReported?: number | undefined;
  /**
   * Destroys leaks: the time-out that the kernel does not have for CLOSE_WAIT. `true` destroys each as soon as it is a leak.
   * Never touches a socket that makes progress, an fd that no JS socket of this thread owns, a socket that another process
   * has too, one whose reader cannot be seen (docs/limits.md, "Reclaim"), or a route that says
   * `config: { closeWaitGuard: { reclaim: false } }`.
   *
   * Who waits for such a socket gets an error with code CWG_ERR_RECLAIMED where an 'error' listener of its own hears it. A
   * `for await` over the socket or its message is such a listener: without a `catch` around it the error is an unhandled
   * rejection, as any other error of the stream would be.
   * @default false
   */
  reclaim?: boolean | ReclaimOptions | undefined;
  /**
   * Leaks that are known: no event, no line of a log, not in `leaks()`, not in the metrics of leaks, and never reclaimed.
   * `stats().ignored` counts those that are open, and in `sockets()` they are `ignored`. @default none
   */
  ignore?: readonly IgnoreRule[] | undefined;
  /**
   * Names the inbound route whose handler made an outbound request (`requestedBy`), through an AsyncLocalStorage.
   * @default true on Node 24 and later, where its cost is at the edge of what can be measured (README, "What it costs");
   * false before, where every promise pays
   */
  traceRequests?: boolean | undefined;
  /**
   * Records where the application made outbound requests and connections (`stack`). Costs a stack trace for each; `fetch`
   * leaves no frame of its caller.
   * @default false
   */
  captureStacks?: boolean | undefined;
  /**
   * What reports leave out, in events, `leaks()`, `sockets()` and so in every log. `'addresses'`: IP addresses and ports of
   * both ends, also inside the sentences. Names of hosts, servers and routes stay. `true` is all of these. The `filter` of
   * `reclaim`, which decides and does not report, sees everything.
   * @default false
   */
  redact?: boolean | readonly Redactable[] | undefined;
  /**
   * Called once for each leak, with its report and the socket (undefined when no JS socket of this thread owns the fd). What it throws, or is rejected
   * with when it is async, is counted in `stats().errors.callback` and kept from the application.
   */
  onLeak?: ((leak: LeakReport, socket: Socket | undefined) => void) | undefined;
}

/** What {@link GuardOptions.redact} takes. */
export const REDACTABLE = ['addresses'] as const;
export type Redactable = (typeof REDACTABLE)[number];

/** What {@link createGuard} takes, its ranges and its defaults. The environment of `./register` is read by it, too. */
export const GUARD_OPTIONS = Object.freeze({
  closeWaitTimeout: integer('milliseconds', [1, 86_400_000], 60_000),
  sampleInterval: integer('milliseconds', [10, 3_600_000], 1_000, 'for on demand only'),
  scope: oneOf(['process', 'watched'], 'process'),
  maxReported: integer('leaks', [1, 100_000], 1_000),
  reclaim: RECLAIM_OPTION,
  ignore: IGNORE_OPTION,
  traceRequests: boolean(Number.parseInt(process.versions.node, 10) >= 24),
  captureStacks: boolean(false),
  redact: redactOption(),
  onLeak: callback<NonNullable<GuardOptions['onLeak']>>('(leak, socket) => void'),
});

export const GUARD_DEFAULTS = defaultsOf(GUARD_OPTIONS);

export type ResolvedGuardOptions = OptionValues<typeof GUARD_OPTIONS>;

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveGuardOptions(options: GuardOptions = {}): ResolvedGuardOptions {
  return readOptions(GUARD_OPTIONS, options);
}

function redactOption(): OptionRule<readonly Redactable[]> {
  const known: readonly unknown[] = REDACTABLE;
  const takes = `true, false or an array of ${REDACTABLE.map((part) => `'${part}'`).join(', ')}`;
  const accepts = (value: unknown): boolean =>
    typeof value === 'boolean' || (Array.isArray(value) && value.every((part) => known.includes(part)));
  const { read, ...rule } = option<boolean | readonly Redactable[]>(takes, [], accepts);
  return {
    ...rule,
    default: [],
    read: (value, name) => {
      const parts = read(value, name);
      return typeof parts === 'boolean' ? (parts ? REDACTABLE : []) : [...parts];
    },
  };
}
