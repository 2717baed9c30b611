/**
 * For tests of any runner: which sockets are leaked now, and an assertion that none is. Importing it does nothing.
 *
 * What it can see is what the kernel still holds: a socket that was closed before the search is no leak any more, so
 * search before the server is closed (`server.close()` and `app.close()` destroy the evidence).
 */
import { setImmediate, setTimeout } from 'node:timers';
import { Guard } from '../guard.js';
import type { LeakReport } from '../leaks/report.js';
import { leakedSocketsError } from './failure.js';
import { resolveFindOptions, type FindLeakedSocketsOptions, type ResolvedFindOptions } from './options.js';

export { GuardError } from '../errors.js';
export type { GuardErrorCode } from '../errors.js';
export type { LeakCause, LeakKind, LeakReport } from '../leaks/report.js';
export type { LeakedSocketsError } from './failure.js';
export type { FindLeakedSocketsOptions, ServerHolder } from './options.js';

/** Never reached: an observer is asked what there is, it does not report by itself. */
const NO_TIMEOUT_MS = 86_400_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/*
 * Taken when this module loads: test runners replace timers by fake ones, and real sockets keep real time.
 */
const later = setTimeout;
const soon = setImmediate;

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
  const guard = new Guard(
    {
      closeWaitTimeout: NO_TIMEOUT_MS,
      sampleInterval: 0,
      scope: servers ? 'watched' : 'process',
      traceRequests: false,
    },
    { observer: true },
  );
  try {
    for (const { server, addresses } of servers ?? []) guard.watch(server, {}, addresses ? { addresses } : {});
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
  let seen: Look = { suspects: [], departing: 0 };
  await turn();
  // A client that has just left may not look like it here yet: first its FIN has to arrive.
  await waitUntil(() => {
    seen = look(guard, options);
    return seen.departing === 0;
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
  readonly departing: number;
}

function look(guard: Guard, { isIgnored, strict }: ResolvedFindOptions): Look {
  const departing = guard.departing();
  const suspects: LeakReport[] = [];
  for (const { leaked: _leaked, ...report } of guard.sockets()) {
    // A full window alone is no leak yet: the peer may be there, and wait for the application.
    const isSuspect = report.kind !== 'stalled' || strict || departing.has(report.id);
    if (isIgnored(report)) departing.delete(report.id);
    else if (isSuspect) suspects.push(report);
  }
  return { suspects, departing: departing.size };
}

/**
 * Asks at once, and again after pauses that grow, until it is so or the pauses add up to `deadlineMs`. They add up
 * whatever the clock says: where a busy machine or a blocked loop stretches them, the code under test still gets its turns.
 */
async function waitUntil(isSo: () => boolean, deadlineMs: number): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (
    let leftMs = deadlineMs;
    !isSo() && leftMs > 0;
    leftMs -= pauseMs, pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  ) {
    await new Promise((resolve) => later(resolve, Math.min(pauseMs, leftMs)));
    await turn();
  }
}

/** One full turn of the loop: what had arrived is handled. */
async function turn(): Promise<void> {
  await new Promise((resolve) => soon(() => soon(resolve)));
}
