import type { NativeBinding } from '../../kernel/native.js';
import { loadBinding } from '../../kernel/loader.js';
import { unsupportedReason } from '../../kernel/self-check.js';
import { wait } from '../attach/wait.js';
import { CommandError } from '../frame/errors.js';
import { judge, type JudgedSocket } from './judge.js';
import { takeLook, type Look } from './look.js';
import { fdLimitsOf, identifyProcess, type ProcessIdentity } from './identity.js';
import { kindOf, type InspectedSocket } from './socket.js';

/** A listening socket of the process. */
export interface InspectedListener extends InspectedSocket {
  /** Connections that it has not accepted yet; those of other listeners on the same port are among them. */
  readonly waiting: number;
  /** Those of them whose client has left. */
  readonly waitingHalfClosed: number;
}

/** What `inspect` tells of a process. */
export interface InspectReport {
  readonly pid: number;
  /** Its executable and, where it runs one, its script, without folders and arguments. */
  readonly program: string;
  readonly uid: number;
  /** Between the two looks; 0 where there was one. */
  readonly watchedMs: number;
  readonly fds: {
    readonly open: number;
    /** RLIMIT_NOFILE; undefined where it is unlimited or not shown. */
    readonly softLimit: number | undefined;
    readonly hardLimit: number | undefined;
    /** How many there are of each kind, as in `{ socket: 12, epoll: 1 }`. */
    readonly kinds: Readonly<Record<string, number>>;
  };
  /** How many TCP sockets there are in each state. */
  readonly states: Readonly<Record<string, number>>;
  /** Half-closed, reset or stalled, and no progress while it watched. The oldest first, as in the next two. */
  readonly leaks: readonly JudgedSocket[];
  /** The same, but something may have held them up: a note says what. */
  readonly undecided: readonly JudgedSocket[];
  /** Half-closed, reset or stalled, and progress was seen, or they came while it watched. */
  readonly moving: readonly JudgedSocket[];
  readonly listeners: readonly InspectedListener[];
  /** All others; only with `--all`. */
  readonly healthy: readonly InspectedSocket[] | undefined;
  /** Sockets that may be leaked and could not be read. */
  readonly unread: number;
  /** What could not be seen or decided, and why: a sentence each. */
  readonly notes: readonly string[];
}

export interface InspectOptions {
  /** How long to watch, in ms; 0 for one look, where everything half-closed, reset or stalled counts. */
  readonly timeoutMs: number;
  readonly all: boolean;
  readonly signal: AbortSignal;
}

/** @throws CommandError where it cannot look */
export async function inspectProcess(pid: number, { timeoutMs, all, signal }: InspectOptions): Promise<InspectReport> {
  const binding = bindingHere();
  const process = identifyProcess(pid);
  const first = takeLook(binding, process, { all });
  let last = first;
  if (timeoutMs > 0) {
    await wait(timeoutMs, signal);
    signal.throwIfAborted();
    last = lastLook(binding, process, first, all);
  }
  return reportOf(process, first, last, all);
}

/** @throws CommandError saying why nothing can be looked into here */
export function bindingHere(): NativeBinding {
  const loaded = loadBinding();
  const reason = loaded.binding ? unsupportedReason(loaded.binding) : loaded.reason;
  if (!loaded.binding || reason !== undefined) throw new CommandError(`it cannot look into processes here: ${reason}`);
  return loaded.binding;
}

/** Borrows again only what can have made progress: a reset socket with nothing to read changes by being closed alone. */
function lastLook(binding: NativeBinding, process: ProcessIdentity, first: Look, all: boolean): Look {
  const unlisted = new Map(
    first.sockets.filter(({ state }) => state === 'CLOSE').map((socket) => [socket.inode, socket]),
  );
  const settled = (inode: number): InspectedSocket | undefined => {
    const known = unlisted.get(inode);
    return known && kindOf(known) === 'reset' && (known.unreadBytes ?? 0) === 0 ? known : undefined;
  };
  const stillOpen: InspectedSocket[] = [];
  const last = takeLook(binding, process, {
    all,
    borrow: ({ inode }) => {
      const known = settled(inode);
      if (known) stillOpen.push(known);
      return !known;
    },
  });
  return { ...last, sockets: [...last.sockets, ...new Map(stillOpen.map((each) => [each.inode, each])).values()] };
}

function reportOf(process: ProcessIdentity, first: Look, last: Look, all: boolean): InspectReport {
  const { leaks, undecided, whyUndecided, moving, healthy } = judge(first, last);
  const { soft, hard } = fdLimitsOf(process.pid);
  const finite = (limit: number | undefined): number | undefined => (limit === Infinity ? undefined : limit);
  return {
    ...{ pid: process.pid, program: process.program, uid: process.uid },
    watchedMs: Math.round(last.atMs - first.atMs),
    fds: {
      ...{ open: last.openFds, softLimit: finite(soft), hardLimit: finite(hard) },
      kinds: Object.fromEntries(last.fdsByKind),
    },
    states: statesOf(last),
    ...{ leaks, undecided, moving },
    listeners: healthy.filter(({ state }) => state === 'LISTEN').map((socket) => listenerOf(socket, last)),
    healthy: all ? healthy.filter(({ state }) => state !== 'LISTEN') : undefined,
    unread: last.unread.length,
    notes: [...new Set([...last.notes, ...whyUndecided, ...fdNotes(last.openFds, soft)])],
  };
}

function statesOf({ sockets, idle }: Look): Record<string, number> {
  const counts: Record<string, number> = idle > 0 ? { ESTABLISHED: idle } : {};
  for (const { state } of sockets) counts[state] = (counts[state] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([, one], [, other]) => other - one));
}

function listenerOf(socket: InspectedSocket, { waiting }: Look): InspectedListener {
  const queue = waiting.get(socket.localPort ?? -1);
  return { ...socket, waiting: queue?.waiting ?? 0, waitingHalfClosed: queue?.halfClosed ?? 0 };
}

function fdNotes(open: number, soft: number | undefined): string[] {
  if (soft === undefined || open < 0.9 * soft) return [];
  return [`It uses ${open} of the ${soft} fds that it may have: with none left it accepts nobody.`];
}
