import type { Socket } from 'node:net';
import { badOption, GuardError, shown } from '../base/errors.js';
import type { LeakKind } from '../base/vocabulary.js';
import type { LeakReport } from '../leaks/report.js';

/** Options of {@link createGuard}. All optional, times in milliseconds. */
export interface GuardOptions {
  /**
   * How long a socket whose peer has gone may make no progress before it is a leak. 1 to 86,400,000 (a day).
   * @default 60000: the default of `net.ipv4.tcp_fin_timeout` (tcp(7)). Past it the peer's end of the connection
   * is gone, its port is free for reuse, and only this process still holds the 4-tuple.
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
   * How many open leaks get a report of their own (event, log line, entry of `leaks()`), 1 to 100,000. Further leaks are
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

/** What {@link GuardOptions.reclaim} takes. */
export interface ReclaimOptions {
  /** How long after it became a leak, ms, 0 to 86,400,000. @default 0 */
  afterMs?: number | undefined;
  /** @default all */
  kinds?: readonly LeakKind[] | undefined;
  /**
   * Asked for each leak that would be ended; only `true` ends it. Another answer leaves it alone, and it is asked again after
   * a tenth of the leak's age. What it throws leaves the leak alone too and is counted as a listener's error, and so does a
   * promise: it cannot be async.
   */
  filter?: ((leak: LeakReport) => boolean) | undefined;
}

/** What {@link GuardOptions.redact} takes. */
export const REDACTABLE = ['addresses'] as const;
export type Redactable = (typeof REDACTABLE)[number];

export interface ResolvedGuardOptions {
  readonly closeWaitTimeout: number;
  readonly sampleInterval: number;
  readonly scope: 'process' | 'watched';
  readonly maxReported: number;
  readonly traceRequests: boolean;
  readonly captureStacks: boolean;
  readonly redact: readonly Redactable[];
  readonly onLeak: GuardOptions['onLeak'];
}

export const GUARD_DEFAULTS = Object.freeze({
  closeWaitTimeout: 60_000,
  sampleInterval: 1_000,
  scope: 'process',
  maxReported: 1_000,
  traceRequests: Number.parseInt(process.versions.node, 10) >= 24,
  captureStacks: false,
} as const);

const GUARD_OPTION_NAMES = new Set([
  'closeWaitTimeout',
  'sampleInterval',
  'scope',
  'maxReported',
  'reclaim',
  'traceRequests',
  'captureStacks',
  'redact',
  'onLeak',
]);

/** Range checks shared with the environment of `./register`, so that a limit is written once. */
export const RANGES = Object.freeze({
  closeWaitTimeout: [1, 86_400_000],
  sampleInterval: [10, 3_600_000],
  maxReported: [1, 100_000],
  reclaimAfter: [0, 86_400_000],
} as const);

export function integerIn(value: unknown, [min, max]: readonly [number, number]): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

/** As in `a whole number of milliseconds from 1 to 100`. */
export function describeRange([min, max]: readonly [number, number], what: string): string {
  return `${what} from ${min} to ${max}`;
}

/** Throws CWG_ERR_OPTION when `options` is not a plain object or has a key outside `known`. */
export function checkOptionNames(options: unknown, known: ReadonlySet<string>, path = ''): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new GuardError('CWG_ERR_OPTION', `close-wait-guard: options is ${shown(options)}; it takes an object`);
  }
  for (const name of Object.keys(options)) {
    if (!known.has(name)) {
      throw new GuardError(
        'CWG_ERR_OPTION',
        `close-wait-guard: there is no option ${shown(`${path}${name}`)}; the options are ${[...known].join(', ')}`,
      );
    }
  }
}

/** @throws GuardError CWG_ERR_OPTION naming the option, the value it got and the values it takes. */
export function resolveGuardOptions(options: GuardOptions = {}): ResolvedGuardOptions {
  checkOptionNames(options, GUARD_OPTION_NAMES);
  const closeWaitTimeout = options.closeWaitTimeout ?? GUARD_DEFAULTS.closeWaitTimeout;
  const sampleInterval = options.sampleInterval ?? GUARD_DEFAULTS.sampleInterval;
  const scope: string = options.scope ?? GUARD_DEFAULTS.scope;
  const maxReported = options.maxReported ?? GUARD_DEFAULTS.maxReported;
  if (!integerIn(closeWaitTimeout, RANGES.closeWaitTimeout)) {
    throw badOption(
      'closeWaitTimeout',
      closeWaitTimeout,
      describeRange(RANGES.closeWaitTimeout, 'a whole number of milliseconds'),
    );
  }
  if (sampleInterval !== 0 && !integerIn(sampleInterval, RANGES.sampleInterval)) {
    throw badOption(
      'sampleInterval',
      sampleInterval,
      `${describeRange(RANGES.sampleInterval, 'a whole number of milliseconds')}, or 0 for on demand only`,
    );
  }
  if (scope !== 'process' && scope !== 'watched') throw badOption('scope', scope, `'process' or 'watched'`);
  if (!integerIn(maxReported, RANGES.maxReported)) {
    throw badOption('maxReported', maxReported, describeRange(RANGES.maxReported, 'a whole number of leaks'));
  }
  for (const name of ['traceRequests', 'captureStacks'] as const) {
    const value: unknown = options[name];
    if (value !== undefined && typeof value !== 'boolean') throw badOption(name, value, 'true or false');
  }
  const traceRequests = options.traceRequests ?? GUARD_DEFAULTS.traceRequests;
  const captureStacks = options.captureStacks ?? GUARD_DEFAULTS.captureStacks;
  const redact = resolveRedact(options.redact);
  const { onLeak } = options;
  if (onLeak !== undefined && typeof onLeak !== 'function') {
    throw badOption('onLeak', onLeak, 'a function (leak, socket) => void');
  }
  return Object.freeze({
    closeWaitTimeout,
    sampleInterval,
    scope,
    maxReported,
    traceRequests,
    captureStacks,
    redact,
    onLeak,
  });
}

function resolveRedact(value: unknown = false): readonly Redactable[] {
  if (typeof value === 'boolean') return value ? REDACTABLE : [];
  const known: readonly unknown[] = REDACTABLE;
  if (Array.isArray(value) && value.every((part) => known.includes(part))) return [...(value as Redactable[])];
  throw badOption('redact', value, `true, false or an array of ${REDACTABLE.map((part) => `'${part}'`).join(', ')}`);
}
