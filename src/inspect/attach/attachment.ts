import { isRecord } from '../../base/objects.js';
import type { LeakReport } from '../../leaks/report.js';
import type { DoorOptions } from '../inside/door.js';
import type { Beat, Counts } from '../inside/visit.js';
import { findInspector, openInspector, type InspectorAt } from './inspector.js';
import { connectInspector, Exchange, type InspectorConnection } from './session.js';
import type { Target } from './target.js';
import { Visitor } from './visitor.js';

/** Without a word from the command the target takes everything back after so long, ms. */
export const SILENCE_MS = 4_000;

/** A leak, and where it was found. */
export interface Found {
  readonly event: 'leak' | 'released';
  readonly pid: number;
  /** 0 is the main thread; the others are numbered as `worker_threads` does. */
  readonly threadId: number;
  readonly leak: LeakReport;
}

interface Thread {
  readonly threadId: number;
  readonly visitor: Visitor;
}

export interface AttachmentOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Called before SIGUSR1 is sent. @throws CommandError where it must not be */
  readonly mayOpen: () => Promise<void>;
}

/** A process that is looked into: a guard in its main thread and in each of its worker threads. */
export class Attachment {
  readonly target: Target;
  readonly inspector: InspectorAt;
  readonly #connection: InspectorConnection;
  readonly #threads: readonly Thread[];
  readonly #notes = new Set<string>();

  /** @throws CommandError why it cannot be looked into; nothing is left behind then */
  static async begin(target: Target, options: AttachmentOptions): Promise<Attachment> {
    let inspector = await findInspector(target);
    if (inspector === undefined) {
      await options.mayOpen();
      inspector = await openInspector(target, options.signal);
    }
    const connection = await connectInspector(inspector, options.signal);
    const notes: string[] = [];
    const threads: Thread[] = [];
    try {
      const visit = { timeoutMs: options.timeoutMs, silenceMs: SILENCE_MS };
      const door: DoorOptions = {
        inspectorPort: inspector.port,
        visitorPort: connection.localPort,
        closeInspector: inspector.openedHere,
      };
      // Theirs first: what no other thread follows is the main thread's to report.
      const workers = await Promise.all(
        (await workersOf(connection.session)).map(async ({ threadId, session }) => {
          const entered = await Visitor.enter(session, { ...visit, closeInspector: false }).catch((error: unknown) => {
            notes.push(`worker thread ${threadId}: ${(error as Error).message}`);
          });
          return entered && { threadId, visitor: entered };
        }),
      );
      threads.push(...workers.filter((worker) => worker !== undefined));
      options.signal.throwIfAborted();
      threads.push({ threadId: 0, visitor: await Visitor.enter(connection.session, { ...visit, ...door }) });
      for (const { visitor } of threads) await visitor.findHiddenTls();
      return new Attachment(target, inspector, connection, threads, notes);
    } catch (error) {
      await leave(connection, inspector, threads);
      throw error;
    }
  }

  private constructor(
    target: Target,
    inspector: InspectorAt,
    connection: InspectorConnection,
    threads: readonly Thread[],
    notes: readonly string[],
  ) {
    this.target = target;
    this.inspector = inspector;
    this.#connection = connection;
    this.#threads = threads;
    for (const note of notes) this.#notes.add(note);
  }

  get threadCount(): number {
    return this.#threads.length;
  }

  /** What the guards in there have to say of themselves, and what could not be looked at. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  /** @throws CommandError where the target is gone, or does not answer */
  async beat(): Promise<{ readonly found: readonly Found[]; readonly settled: boolean }> {
    const beats = await Promise.all(
      this.#threads.map(async ({ threadId, visitor }) => ({ threadId, beat: await this.#beatOf(threadId, visitor) })),
    );
    const found = beats.flatMap(({ threadId, beat }) =>
      beat.events.map(({ event, leak }) => ({ event, leak, threadId, pid: this.target.pid })),
    );
    for (const { beat } of beats) {
      for (const warning of beat.warnings) this.#notes.add(warning);
      if (beat.lost > 0) this.#notes.add('more was found than was taken: some of it is missing here');
    }
    return { found, settled: beats.every(({ beat }) => beat.settled) };
  }

  /** Summed over all threads. */
  async counts(): Promise<Counts> {
    const all = await Promise.all(this.#threads.map(({ visitor }) => visitor.counts().catch(() => undefined)));
    const total = (name: keyof Counts): number => all.reduce((sum, each) => sum + (each?.[name] ?? 0), 0);
    return {
      watched: total('watched'),
      halfClosed: total('halfClosed'),
      leaks: total('leaks'),
      unreported: total('unreported'),
    };
  }

  /** Takes everything back. Never rejects. */
  async end(): Promise<void> {
    await leave(this.#connection, this.inspector, this.#threads);
  }

  /** A worker thread may end at any time; the main thread ends with the process. */
  async #beatOf(threadId: number, visitor: Visitor): Promise<Beat> {
    try {
      return await visitor.beat();
    } catch (error) {
      if (threadId === 0) throw error;
      this.#notes.add(`worker thread ${threadId}: ${(error as Error).message}`);
      return { events: [], settled: true, lost: 0, warnings: [] };
    }
  }
}

async function leave(
  connection: InspectorConnection,
  inspector: InspectorAt,
  threads: readonly Thread[],
): Promise<void> {
  const { session } = connection;
  // The main thread last: the way to the others goes through it. One that does not come to a turn takes everything back by itself.
  const workers = threads.filter(({ threadId }) => threadId !== 0);
  await Promise.all(workers.map(({ visitor }) => visitor.end(WORKER_ENDS_WITHIN_MS)));
  await threads.find(({ threadId }) => threadId === 0)?.visitor.end();
  if (inspector.openedHere && session.lost() === undefined) {
    // Without a guard in there nothing closes it from inside.
    if (!threads.some(({ threadId }) => threadId === 0)) {
      void session.call('Runtime.evaluate', { expression: CLOSE_INSPECTOR }).catch(() => undefined);
    }
    // Node prints two lines more where the last client goes first.
    await session.whenLost(CLOSES_WITHIN_MS);
  }
  connection.close();
}

const CLOSE_INSPECTOR = "process.getBuiltinModule('node:inspector').close()";
const CLOSES_WITHIN_MS = 2_000;
const WORKER_ENDS_WITHIN_MS = 2_000;

/** The worker threads that run now, by the NodeWorker domain of Node's inspector. */
async function workersOf(main: Exchange): Promise<{ threadId: number; session: Exchange }[]> {
  const found: { threadId: number; session: Exchange }[] = [];
  const sessions = new Map<unknown, Exchange>();
  main.on('NodeWorker.attachedToWorker', ({ sessionId, workerInfo }) => {
    const session = new Exchange((message) => {
      void main
        .call('NodeWorker.sendMessageToWorker', { sessionId, message })
        .catch((error: unknown) => session.lose((error as Error).message));
    });
    sessions.set(sessionId, session);
    main.onLost((why) => session.lose(why));
    const id = isRecord(workerInfo) ? Number(workerInfo.workerId) : Number.NaN;
    found.push({ threadId: Number.isInteger(id) ? id : -1, session });
  });
  main.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) =>
    sessions.get(sessionId)?.take(String(message)),
  );
  main.on('NodeWorker.detachedFromWorker', ({ sessionId }) => sessions.get(sessionId)?.lose('it has ended'));
  await main.call('NodeWorker.enable', { waitForDebuggerOnStart: false });
  // Those that run are announced before the answer comes, as far as they were seen to; one more message makes sure.
  await main.call('Runtime.evaluate', { expression: '0' });
  return found;
}
