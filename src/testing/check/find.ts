import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak, createObserver } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { leakedSocketsError } from './failure.js';
import { isSuspect, wasIdleAtDeadline } from './leak-rule.js';
import { resolveFindOptions, type FindLeakedSocketsOptions, type ResolvedFindOptions } from './options.js';
import { turn, waitUntil } from './wait.js';

/** Never reached: this guard is asked what there is, it reports nothing by itself. */
const NO_TIMEOUT_MS = 86_400_000;

/**
 * The sockets of this thread that are half-closed (CLOSE_WAIT) or reset with their fd still open, and that nobody closes
 * within `deadlineMs`. A stalled one (its receive window is full) counts when its peer is on this host and has closed, and
 * when `strict`. Samples again and again, with growing pauses, and returns as soon as there is none left.
 * Where the addon cannot run it finds nothing, and a process warning says so once.
 * @throws GuardError CWG_ERR_OPTION
 */
export async function findLeakedSockets(options?: FindLeakedSocketsOptions): Promise<LeakReport[]> {
  const resolved = resolveFindOptions(options);
  const { servers } = resolved;
  const guard = createObserver({
    closeWaitTimeout: NO_TIMEOUT_MS,
    sampleInterval: 0,
    scope: servers ? 'watched' : 'process',
    traceRequests: false,
  });
  try {
    for (const { server, addresses } of servers ?? []) internalsOf(guard).watch(server, {}, { addresses });
    return await search(guard, resolved);
  } finally {
    guard.close();
  }
}

/**
 * Fails when {@link findLeakedSockets} finds something: the message names each leak, why it leaked and what to change.
 * @throws GuardError CWG_ERR_LEAKED_SOCKETS, ({@link LeakedSocketsError}, with all of them in `leaks`); CWG_ERR_OPTION
 */
export async function assertNoLeakedSockets(options?: FindLeakedSocketsOptions): Promise<void> {
  const leaks = await findLeakedSockets(options);
  if (leaks.length === 0) return;
  const error = leakedSocketsError(leaks, (count) => count);
  // The first frame is the caller's.
  Error.captureStackTrace(error, assertNoLeakedSockets);
  throw error;
}

async function search(guard: Guard, options: ResolvedFindOptions): Promise<LeakReport[]> {
  const { deadlineMs, strict } = options;
  let sample: Sample = { suspects: [], awaitingFin: 0 };
  await turn();
  // The FIN of a client that has just closed may not have arrived yet.
  await waitUntil(() => {
    sample = takeSample(guard, options);
    return sample.awaitingFin === 0;
  }, deadlineMs);
  await waitUntil(() => {
    sample = takeSample(guard, options);
    return sample.suspects.length === 0;
  }, deadlineMs);
  return strict ? sample.suspects : sample.suspects.filter((report) => wasIdleAtDeadline(report, deadlineMs));
}

interface Sample {
  readonly suspects: LeakReport[];
  /** How many sockets a FIN is on its way to. */
  readonly awaitingFin: number;
}

function takeSample(guard: Guard, { isIgnored, strict }: ResolvedFindOptions): Sample {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  const suspects: LeakReport[] = [];
  for (const report of guard.sockets().map(asLeak)) {
    const counts = strict || isSuspect(report, awaitingFin);
    if (isIgnored(report)) awaitingFin.delete(report.id);
    else if (counts) suspects.push(report);
  }
  return { suspects, awaitingFin: awaitingFin.size };
}
