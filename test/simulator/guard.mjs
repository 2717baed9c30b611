import { DISEASES, IGNORED_CAUSE, JsSocket, SERVERS } from './diseases.mjs';
import { serverOf } from './table.mjs';

/** What does not change from history to history. */
export class Bench {
  library;
  decisions;
  noRules;
  ruled;
  /** The facts of each cause, as the layers read them of a socket that is ill with it. */
  facts = new Map();
  names = { ofServer: (server) => (server === SERVERS[0] ? 'shop' : 'admin'), ofRoute: () => undefined };

  constructor(library) {
    this.library = library;
    this.decisions = new library.Decisions();
    this.noRules = new library.IgnoreRules([]);
    const fits = ({ cause }) => cause === IGNORED_CAUSE;
    this.ruled = new library.IgnoreRules([{ text: 'ignore[0]', untilMs: Number.POSITIVE_INFINITY, fits }]);
    for (const disease of DISEASES) this.#learn(disease);
    for (const [cause, heldBy] of [
      ['detached-handle', 'lost-socket'],
      ['not-owned-by-this-thread', 'unknown'],
      ['held-by-another-process', 'other-process'],
    ])
      this.facts.set(cause, [
        { heldBy, stream: undefined, unreadKernelBytes: 0, unreadStreamBytes: 0, unsentBytes: 0 },
      ]);
  }

  /** Of one cause there may be several diseases. */
  #learn({ cause, fall, isOutbound }) {
    const js = new JsSocket(5);
    fall(js);
    const stream = this.library.streamFactsOf(js, isOutbound ? 'outbound' : 'inbound');
    const facts = {
      heldBy: 'socket',
      stream,
      unreadKernelBytes: 0,
      unreadStreamBytes: 0,
      unsentBytes: js.writableLength,
    };
    this.facts.set(cause, [...(this.facts.get(cause) ?? []), facts]);
  }
}

/**
 * A guard: the library's clock, tracker, ledger, teller and intake. Sampler itself has timers, and stands on a kernel that is one:
 * test/scenarios has it.
 */
export class SimulatedGuard {
  clock;
  tracker;
  ledger;
  teller;
  #table;
  #kernel;
  #intake;
  #due = [];
  #referee;
  #intervalMs;

  constructor(bench, binding, kernel, table, history, index, referee) {
    const { LoopClock, LeakTracker, Ledger, LeakTeller, Descriptions, Intake } = bench.library;
    this.#kernel = kernel;
    this.#table = table;
    this.#referee = referee;
    this.#intervalMs = history.intervalMs;
    this.index = index;
    this.clock = new LoopClock(history.intervalMs, kernel.nowMs, kernel.idleMs);
    this.tracker = new LeakTracker(history.timeoutMs);
    this.ledger = new Ledger();
    const closed = table.followClosed((cookie) => this.ledger.has(cookie));
    this.reporter = {
      watches: (server) => index === 1 && server === SERVERS[1],
      routeFinderOf: () => undefined,
      wholeProcess: index === 0,
      hasCounted: (cookie) => this.ledger.get(cookie)?.isLeak === true,
    };
    this.teller = new LeakTeller({
      binding,
      table,
      ledger: this.ledger,
      tracker: this.tracker,
      rules: history.hasRule ? bench.ruled : bench.noRules,
      descriptions: history.isDeep
        ? new PoisonedDescriptions(
            new Descriptions(binding, this.ledger, this.tracker, bench.names, (text) => text),
            kernel,
          )
        : new ShortDescriptions(bench, this.ledger, this.tracker, kernel),
      decisions: bench.decisions,
      reporter: this.reporter,
      options: { observer: false, maxReported: history.maxReported },
      events: referee.eventsOf(this),
      isClosed: () => false,
    });
    this.#intake = new Intake({
      clock: this.clock,
      tracker: this.tracker,
      ledger: this.ledger,
      teller: this.teller,
      decisions: { noteSample: (entries, due) => referee.observed(this, entries, due) },
      markLeak: (cookie) => table.markLeak(cookie),
      takeClosed: () => closed.take(),
    });
  }

  /** As a timer does. What is due is read again by {@link goOn}, a turn of the loop later. */
  sampleOnTimer() {
    this.#due = this.#takeIn(this.#table.sample(false));
  }

  sampleAll() {
    this.#leak(this.#takeIn(this.#table.sample(true)));
  }

  get isWaiting() {
    return this.#due.length > 0;
  }

  /** The turns of the loop behind a timed sample. */
  goOn() {
    this.#readDueAgain();
    if (!this.#table.hasLeaks()) return;
    this.#due = this.#takeIn(this.#table.readLeaks(this.#intervalMs));
    if (this.#due.length > 0) this.#readDueAgain();
  }

  #readDueAgain() {
    if (this.#due.length === 0) return;
    const due = this.#takeIn(this.#table.readAgain(new Set(this.#due.map(({ suspect }) => suspect.cookie))));
    this.#due = [];
    this.#leak(due);
  }

  #leak(due) {
    this.#referee.judges(this, due);
    this.teller.leak(due, Number.POSITIVE_INFINITY);
    this.#referee.judged(this, due);
  }

  #takeIn(read) {
    const { nowMs, idleMs } = this.#kernel;
    this.#referee.turnsClock(this);
    const { due } = this.#intake.take(read, nowMs, idleMs);
    this.#referee.tookIn(this);
    return due;
  }
}

/** Reports as short as LeakTeller takes them, since the sentences cost more than all the rest. */
class ShortDescriptions {
  #bench;
  #ledger;
  #tracker;
  #kernel;

  constructor(bench, ledger, tracker, kernel) {
    this.#bench = bench;
    this.#ledger = ledger;
    this.#tracker = tracker;
    this.#kernel = kernel;
  }

  factsOf({ suspect, track }) {
    const socket = this.#kernel.withCookie(suspect.cookie);
    throwIfPoisoned(socket);
    const { kind } = track;
    const forms = this.#bench.facts.get(causeSeen(suspect, socket));
    const { heldBy, stream, unreadKernelBytes, unreadStreamBytes, unsentBytes } = forms[socket.slot % forms.length];
    const { cookie, fd, side } = suspect;
    // Every property by its name: V8 makes a shape of its own for each object that begins with a spread, and all that reads them is slow.
    return {
      heldBy,
      stream,
      unreadKernelBytes,
      unreadStreamBytes,
      unsentBytes,
      cookie,
      fd,
      side,
      endpoints: ENDPOINTS,
      kind,
      ageMs: this.#tracker.ageMs(track),
      idleMs: this.#tracker.idleMs(track),
      routeLabel: '/upload',
      server: serverOf(socket) && 'shop',
      method: 'POST',
    };
  }

  describe(entry, facts = this.factsOf(entry)) {
    const cause = this.#bench.library.diagnose(facts);
    const { kind, fd, ageMs, idleMs } = facts;
    const count = this.#ledger.equalCount(cause);
    return { id: String(facts.cookie), kind, cause, fingerprint: cause, count, fd, ageMs, idleMs };
  }
}

/** What the suspect itself tells comes first; the illness is that of the socket. */
export function causeSeen({ foreignInode, socket, detached }, { cause }) {
  if (foreignInode !== undefined) return 'held-by-another-process';
  if (socket !== undefined) return cause;
  return detached ? 'detached-handle' : 'not-owned-by-this-thread';
}

/** The library's own, but that the facts of a socket may throw. */
class PoisonedDescriptions {
  #inner;
  #kernel;

  constructor(inner, kernel) {
    this.#inner = inner;
    this.#kernel = kernel;
  }

  factsOf(entry) {
    throwIfPoisoned(this.#kernel.withCookie(entry.suspect.cookie));
    return this.#inner.factsOf(entry);
  }

  describe(entry, facts) {
    return this.#inner.describe(entry, facts);
  }
}

/** One for all: what an error keeps of its stack keeps history after history alive. */
export const POISON = new Error('poisoned facts');

function throwIfPoisoned(socket) {
  if (!socket?.isPoisoned) return;
  socket.isPoisoned = false;
  throw POISON;
}

const ENDPOINTS = { localAddress: '10.0.0.1', localPort: 8_000, remoteAddress: '10.0.0.2', remotePort: 50_000 };
