import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import { asLeak, createObserver } from '../../guard/observer.js';
import type { LeakReport } from '../../leaks/report.js';
import { leakedSocketsError } from './failure.js';
import { resolveFindOptions, type FindLeakedSocketsOptions, type ResolvedFindOptions } from './options.js';
import { turn, waitUntil } from './wait.js';

/** Never reached: an observer is asked what there is, it does not report by itself. */
const NO_TIMEOUT_MS = 86_400_000;

/**
 * The sockets of this thread that are half-closed (CLOSE_WAIT) or reset with their fd still open, and that nobody closes
 * within `deadlineMs`. A stalled one (its receive window is full) counts when its peer is on this host and has closed, and
 * when `strict`. Looks again and again, with growing pauses, and returns as soon as there is none left.
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
  let seen: Look = { suspects: [], awaitingFin: 0 };
  await turn();
  // A client that has just left may not look like it here yet: first its FIN has to arrive.
  await waitUntil(() => {
    seen = look(guard, options);
    return seen.awaitingFin === 0;
  }, deadlineMs);
  await waitUntil(() => {
    seen = look(guard, options);
    return seen.suspects.length === 0;
  }, deadlineMs);
  // The last thing an application reads of a socket it then leaks, it often reads right after the first look.
  // So progress counts only in the second half.
  return strict ? seen.suspects : seen.suspects.filter(({ idleMs }) => idleMs >= deadlineMs / 2);
}

interface Look {
  readonly suspects: LeakReport[];
  /** How many sockets a FIN is on its way to. */
  readonly awaitingFin: number;
}

function look(guard: Guard, { isIgnored, strict }: ResolvedFindOptions): Look {
  const awaitingFin = internalsOf(guard).socketsAwaitingFin();
  const suspects: LeakReport[] = [];
  for (const report of guard.sockets().map(asLeak)) {
    // A full window alone is no leak yet: the peer may be there, and wait for the application.
    const isSuspect = report.kind !== 'stalled' || strict || awaitingFin.has(report.id);
    if (isIgnored(report)) awaitingFin.delete(report.id);
    else if (isSuspect) suspects.push(report);
  }
  return { suspects, awaitingFin: awaitingFin.size };
}
