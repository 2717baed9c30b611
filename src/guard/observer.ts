import type { LeakReport } from '../leaks/report.js';
import { GuardImplementation } from './guard-implementation.js';
import type { GuardOptions } from './options.js';
import type { Guard, SocketReport } from './types.js';

/** A guard for tests: it sees every socket, whichever guard reports it, and is never the one that reports. */
export function createObserver(options: GuardOptions): Guard {
  return new GuardImplementation(options, { observer: true });
}

/** A guard for a process that runs already: an observer that takes in what was there before it. */
export function createVisitor(options: GuardOptions): Guard {
  return new GuardImplementation(options, { observer: true, whole: true, lateComer: true });
}

/** What a socket's report says of it as a leak, whether or not it has been reported as one. */
export function asLeak({ leaked: _leaked, ignored: _ignored, ...report }: SocketReport): LeakReport {
  return report;
}
