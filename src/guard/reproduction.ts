import { FOLDED_SAMPLES } from '../base/fold.js';
import { fillPattern, patternParts } from '../base/patterns.js';
import { LEAVES_AFTER_REQUEST, type BodyToSend, type Cause, type Reproduction } from '../leaks/causes/cause.js';
import { CAUSES } from '../leaks/causes/index.js';
import type { LeakReport } from '../leaks/report.js';

/** The part of a {@link LeakReport} that is needed: a report read from a log (JSON) has it. */
export type ReproducibleLeak = Pick<LeakReport, 'kind' | 'cause' | 'side'> &
  Partial<
    Pick<
      LeakReport,
      | 'method'
      | 'route'
      | 'path'
      | 'requestedBy'
      | 'reason'
      | 'waitsFor'
      | 'takenBytes'
      | 'unreadKernelBytes'
      | 'unreadStreamBytes'
    >
  >;

/** What a client does to make a leak again: what it sends, and when it leaves. */
export type ReproductionPlan =
  | {
      readonly sends: 'request';
      readonly method: string;
      readonly path: string;
      /** `stalling`: more than the kernel takes, so that the FIN behind it cannot arrive. @default what fits the method */
      readonly body?: BodyToSend | 'stalling' | undefined;
      readonly leavesAt: 'request' | 'mid-response' | 'response' | 'upgrade';
      readonly readsOn?: boolean | undefined;
    }
  /** Half of a request's head. */
  | { readonly sends: 'half-head' }
  /** Bytes of a protocol that the report does not name; undefined: as many as stall it. */
  | { readonly sends: 'bytes'; readonly bytes: number | undefined; readonly readsOn?: boolean | undefined }
  /** The report does not say enough: the end of a sentence. */
  | { readonly sends: 'nothing'; readonly because: string };

/**
 * What a client asked for is asked again; a report without its path has the parameters of its route filled with `1`. An outbound
 * leak is made again by the inbound request that caused it.
 * @throws Error where the route's pattern has a parameter that no known value fits
 */
export function planReproduction(leak: ReproducibleLeak): ReproductionPlan {
  if (leak.side === 'unknown') return nothing('no socket of the thread it was found in names a request');
  if (leak.side === 'outbound') return planOutbound(leak);
  const reproduction = reproductionOf(leak);
  if (reproduction.by === 'nothing') return nothing(reproduction.because);
  if (reproduction.by === 'half-head') return { sends: 'half-head' };
  const { leavesAt, body, readsOn } = reproduction;
  if (leak.method === undefined || leak.route === undefined) {
    if (leak.cause === 'paused' && leak.takenBytes !== 0) {
      return nothing('it was paused after some bytes had been read, and the report does not have them');
    }
    return { sends: 'bytes', bytes: leak.kind === 'stalled' ? undefined : Math.max(4, unreadBytes(leak)), readsOn };
  }
  // A kernel that holds a FIN back holds more than it would of a smaller body.
  const sent = body === 'unread' && leak.kind === 'stalled' ? 'stalling' : body;
  const path = askedPath(leak) ?? pathOf(leak.route);
  return { sends: 'request', method: leak.method, path, body: sent, leavesAt, readsOn };
}

/** Of a report: what waited in the kernel and in the streams. */
export function unreadBytes({ unreadKernelBytes = 0, unreadStreamBytes = 0 }: ReproducibleLeak): number {
  return unreadKernelBytes + unreadStreamBytes;
}

function planOutbound(leak: ReproducibleLeak): ReproductionPlan {
  const [, method, route] = /^(\S+) (\/.*)$/.exec(leak.requestedBy ?? '') ?? [];
  if (method === undefined || route === undefined) {
    return nothing('it is outbound, and does not say which request asked for it (the option traceRequests)');
  }
  return { sends: 'request', method, path: pathOf(route), leavesAt: isPiped(leak) ? 'mid-response' : 'response' };
}

/** What was asked for; undefined where the report does not have it whole. */
function askedPath({ path }: ReproducibleLeak): string | undefined {
  return path?.endsWith('...') === true ? undefined : path;
}

/** A report may come from a later version, and have a cause that this version does not know. */
function reproductionOf({ cause, reason }: ReproducibleLeak): Reproduction {
  const known = (CAUSES as Readonly<Partial<Record<string, Cause>>>)[cause];
  const told = known?.reasons?.find(({ name }) => name === reason);
  return told?.reproduction ?? known?.reproduction ?? LEAVES_AFTER_REQUEST;
}

/** Into the response to a client, which stops when that one leaves. */
function isPiped({ reason, waitsFor }: ReproducibleLeak): boolean {
  return waitsFor !== undefined || (reason?.startsWith('destination-') ?? false);
}

function pathOf(route: string): string {
  return fillPattern(patternParts(route), FOLDED_SAMPLES);
}

function nothing(because: string): ReproductionPlan {
  return { sends: 'nothing', because };
}
