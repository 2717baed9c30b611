import type { SCHEMA_ID } from '../base/schema.js';
import type { LeakReport } from '../leaks/report.js';

/** What the page shows, as its JSON has it (schema/v1.json, `page`). Times are milliseconds, moments ISO 8601. Fields that there is nothing for are left out. */
export interface SocketsPageData {
  readonly $schema: typeof SCHEMA_ID;
  /** Of this library. */
  readonly version: string;
  /** When this was put together. */
  readonly time: string;
  /** Whose sockets these are: this process, or all that share the metrics port of the preload. */
  readonly processes: readonly PageProcess[];
  readonly totals: PageTotals;
  /** The open leaks, equal ones together, the oldest first; at most {@link MOST_GROUPS}. */
  readonly groups: readonly PageGroup[];
  /** The last leaks that were closed after all, the last one first; at most {@link MOST_ENDED}. */
  readonly ended: readonly PageEnded[];
}

export interface PageProcess {
  readonly pid: number;
  /** 0 is the main thread. */
  readonly threadId: number;
  /** Of this library, there. */
  readonly version: string;
  /** False where the addon cannot run: then there are no leaks to see. */
  readonly supported: boolean;
  readonly unsupportedReason?: string | undefined;
  /** When the last sample ended: what is shown is as of then. */
  readonly sampledAt?: string | undefined;
}

export interface PageTotals {
  /** Open leaks. */
  readonly open: number;
  /** Fingerprints among them. */
  readonly groups: number;
  /** Leaks in `groups`; the others are in groups beyond the last, or `unreported`. */
  readonly shown: number;
  /** Beyond `maxReported`: counted, and in no group. */
  readonly unreported: number;
  /** Open leaks that a rule of `ignore` fits; not in `open`. */
  readonly ignored: number;
  /** Since the guards were created. */
  readonly released: number;
  readonly reclaimed: number;
}

/** Where a socket is, beside what is said of it. */
export interface PageLeak {
  readonly pid: number;
  readonly threadId: number;
  readonly leak: LeakReport;
}

export interface PageGroup {
  readonly fingerprint: string;
  /** How many are open. */
  readonly count: number;
  readonly oldest: PageLeak;
  /** Some of its sockets, the oldest among them. */
  readonly sockets: readonly PageSocket[];
  /** The test that makes this leak again, as code to copy; left out where a report does not say enough. */
  readonly test?: string | undefined;
}

export type PageSocket = Pick<PageLeak, 'pid' | 'threadId'> &
  Pick<
    LeakReport,
    | 'id'
    | 'kind'
    | 'fd'
    | 'ageMs'
    | 'path'
    | 'localAddress'
    | 'localPort'
    | 'remoteAddress'
    | 'remotePort'
    | 'traceId'
    | 'requestId'
  >;

export interface PageEnded extends PageLeak {
  /** `reclaimed`: the guard ended it. */
  readonly event: 'released' | 'reclaimed';
  readonly time: string;
}

export const MOST_GROUPS = 100;
export const MOST_ENDED = 100;
