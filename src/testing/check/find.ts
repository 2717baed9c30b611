import { shared } from '../../base/shared-state.js';
import { followFastifyRoutes } from '../../frameworks/fastify/channel.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak, createObserver } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { closeReported } from './close.js';
import { leakedSocketsError } from './failure.js';
import { isSuspect, wasIdleAtDeadline } from './leak-rule.js';
import {
  resolveFindOptions,
  type FindLeakedSocketsOptions,
  type ResolvedCheckOptions,
  type ResolvedFindOptions,
} from './options.js';
import { turn, waitUntil } from './wait.js';

/** For a guard that is asked what there is, and reports nothing by itself: never reached. */
export const NO_TIMEOUT_MS = 86_400_000;

// A search comes after the requests whose routes it is to name, in every runner: they are heard of from the import on. Once,
// however often a runner evaluates this module.
shared('fastify-routes-followed', () => ({ dispose: followFastifyRoutes() }))();

/**
 * The sockets of this thread that are half-closed (CLOSE_WAIT) or reset with their fd still open, and that nobody closes
 * within `deadlineMs`. A stalled one (its receive window is full) counts when its peer is on this host and has closed, and
 * when `strict`. Samples again and again, with growing pauses, and returns as soon as there is none left.
 * Where the addon cannot run it finds nothing, and a process warning says so once.
 * @throws GuardError CWG_ERR_OPTION
 */
export async function findLeakedSockets(options?: FindLeakedSocketsOptions): Promise<LeakReport[]> {
  return withObserver(resolveFindOptions(options), search);
}

/**
 * Fails when {@link findLeakedSockets} finds something: the message names each leak, why it leaked and what to change. What it
 * has named it closes, as no server of theirs could be closed otherwise.
 * @throws GuardError CWG_ERR_LEAKED_SOCKETS, ({@link LeakedSocketsError}, with all of them in `leaks`); CWG_ERR_OPTION
 */
export async function assertNoLeakedSockets(options?: FindLeakedSocketsOptions): Promise<void> {
  const leaks = await withObserver(resolveFindOptions(options), async (guard, resolved) => {
    const found = await search(guard, resolved);
    closeReported(guard, found);
    return found;
  });
  if (leaks.length === 0) return;
  const error = leakedSocketsError(leaks, (count) => count);
  // The first frame is the caller's.
  Error.captureStackTrace(error, assertNoLeakedSockets);
  throw error;
}

async function withObserver<T>(
  options: ResolvedFindOptions,
  use: (guard: Guard, options: ResolvedFindOptions) => Promise<T>,
): Promise<T> {
  const { servers } = options;
  const guard = createObserver({
    closeWaitTimeout: NO_TIMEOUT_MS,
    sampleInterval: 0,
    scope: servers ? 'watched' : 'process',
    traceRequests: false,
  });
  try {
    for (const { server, addresses } of servers ?? []) internalsOf(guard).watch(server, {}, { addresses });
    return await use(guard, options);
  } finally {
    guard.close();
  }
}

/** {@link findLeakedSockets}, with the eyes of a guard that takes no samples by itself. */
export async function search(guard: Guard, options: ResolvedCheckOptions): Promise<LeakReport[]> {
  const { deadlineMs, strict } = options;
  let sample: Sample = { suspects: [], awaitingFin: 0 };
  const isIdle = (report: LeakReport): boolean => wasIdleAtDeadline(report, deadlineMs);
  await turn();
  // The FIN of a client that has just closed may not have arrived yet.
  await waitUntil(() => {
    sample = takeSample(guard, options);
    return sample.awaitingFin === 0;
  }, deadlineMs);
  // Behind a full receive window it never does: then the deadline is over, and what stood still for so long needs no other.
  const isOver = sample.awaitingFin > 0 && sample.suspects.every(isIdle);
  if (!isOver && sample.suspects.length > 0) {
    await waitUntil(() => {
      sample = takeSample(guard, options);
      return sample.suspects.length === 0;
    }, deadlineMs);
  }
  return strict ? sample.suspects : sample.suspects.filter(isIdle);
}

interface Sample {
  readonly suspects: LeakReport[];
  /** How many sockets a FIN is on its way to. */
  readonly awaitingFin: number;
}

function takeSample(guard: Guard, { isIgnored, strict }: ResolvedCheckOptions): Sample {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  const suspects: LeakReport[] = [];
  for (const report of guard.sockets().map(asLeak)) {
    const counts = strict || isSuspect(report, awaitingFin);
    if (isIgnored(report)) awaitingFin.delete(report.id);
    else if (counts) suspects.push(report);
  }
  return { suspects, awaitingFin: awaitingFin.size };
}
