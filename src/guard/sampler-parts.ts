import type { Socket } from 'node:net';
import type { NativeBinding } from '../kernel/native.js';
import type { TracedAt } from '../layers/request-ids.js';
import type { LeakReport } from '../leaks/report.js';
import type { LeakTracker } from '../leaks/tracker.js';
import type { SocketTable } from '../sockets/socket-table.js';
import type { Decisions } from './decisions.js';
import type { Descriptions } from './descriptions.js';
import type { IgnoreRules } from './ignore.js';
import type { LeakCounted, Ledger, LedgerEntry } from './ledger.js';
import type { ResolvedGuardOptions } from './options.js';
import type { Reporter } from './reporters.js';

/** How a guard looks that is no application's: that of a test, or of somebody who looks into a running process. */
export interface HowToLook {
  /** It sees every socket whoever reports it, and is never the one that reports. */
  readonly observer?: boolean;
  /** Its timed samples visit every socket and fd: where the first verdict is awaited. */
  readonly whole?: boolean;
  /** It takes in what was there before it. */
  readonly lateComer?: boolean;
}

export type SamplerOptions = ResolvedGuardOptions & Required<Pick<HowToLook, 'observer' | 'whole'>>;

/** Who hears of what a sample found. None of these throws. */
export interface SamplerEvents {
  /** A socket became a leak; it is told now, or when there is room for its report. */
  counted(leak: LeakCounted): void;
  told(report: LeakReport, socket: Socket | undefined): void;
  /** A leak was closed after all; it has a report when it had been told. */
  released(leak: LeakCounted, report: LeakReport | undefined): void;
  reclaimed(leak: LeakCounted, report: LeakReport): void;
  /** A half-closed socket is closed, leak or not. */
  ended(ageMs: number, traced: TracedAt | undefined): void;
  /** The open leaks have changed in this sample. */
  changed(leaks: Iterable<LeakCounted>): void;
  /** A filter of the application threw, or answered with a promise. */
  filterFailed(error: unknown): void;
  failed(error: unknown): void;
}

/** What the parts of a sampler share. */
export interface SamplerParts {
  readonly binding: NativeBinding;
  readonly table: SocketTable;
  readonly ledger: Ledger;
  readonly tracker: LeakTracker<LedgerEntry>;
  readonly rules: IgnoreRules;
  readonly descriptions: Descriptions;
  readonly decisions: Decisions;
  readonly reporter: Reporter;
  readonly options: SamplerOptions;
  readonly events: SamplerEvents;
  /** A listener or a filter may close the guard at any time: it hears of nothing more, and reports no socket. */
  readonly isClosed: () => boolean;
}
