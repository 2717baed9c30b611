import { threadId } from 'node:worker_threads';
import { momentText, wallClock } from '../base/clock.js';
import { SCHEMA_ID } from '../base/schema.js';
import { inTurns } from '../base/turns.js';
import { VERSION } from '../base/version.js';
import type { Guard } from '../guard/guard.js';
import { internalsOf } from '../guard/internals.js';
import type { LeakGroup } from '../guard/leak-groups.js';
import type { LeakReport } from '../leaks/report.js';
import {
  MOST_ENDED,
  MOST_GROUPS,
  type PageEnded,
  type PageGroup,
  type PageSocket,
  type SocketsPageData,
} from './data.js';
import { hangUpCall } from './hang-up-call.js';

const HERE = Object.freeze({ pid: process.pid, threadId });

/** What the page shows of one guard. It remembers the last leaks that were closed, from when it is made. */
export class PageSource {
  readonly #guard: Guard;
  readonly #ended: PageEnded[] = [];

  constructor(guard: Guard) {
    this.#guard = guard;
    guard.on('released', (leak) => {
      this.#end('released', leak);
    });
    guard.on('reclaimed', (leak) => {
      this.#end('reclaimed', leak);
    });
  }

  /** As of the guard's last sample; with `sampleInterval: 0` it takes one. In turns of the event loop. Never rejects. */
  read(): Promise<SocketsPageData> {
    return inTurns(this.#steps());
  }

  *#steps(): Generator<void, SocketsPageData> {
    const internals = internalsOf(this.#guard);
    internals.sampleOnDemand();
    yield;
    const overview = yield* internals.overview(MOST_GROUPS);
    // As of the same moment: what is closed from here on is still shown as open.
    const [time, ended] = [wallClock().toISOString(), this.#ended.toReversed()];
    const groups: PageGroup[] = [];
    for (const group of overview.groups) {
      yield;
      groups.push(groupOf(group()));
    }
    const { supported, unsupportedReason, sampledAt, groupCount, shownCount } = overview;
    const { open, unreported, ignored, released, reclaimed } = overview;
    const when = sampledAt === undefined || sampledAt === 0 ? undefined : momentText(sampledAt);
    return {
      $schema: SCHEMA_ID,
      version: VERSION,
      time,
      processes: [{ ...HERE, version: VERSION, supported, unsupportedReason, sampledAt: when }],
      totals: { open, groups: groupCount, shown: shownCount, unreported, ignored, released, reclaimed },
      groups,
      ended,
    };
  }

  #end(event: PageEnded['event'], leak: LeakReport): void {
    this.#ended.push({ event, time: wallClock().toISOString(), ...HERE, leak });
    if (this.#ended.length > MOST_ENDED) this.#ended.shift();
  }
}

const sources = new WeakMap<Guard, PageSource>();

/** One for each guard, however many pages show it: its listeners are added once. */
export function pageSourceOf(guard: Guard): PageSource {
  let source = sources.get(guard);
  if (!source) sources.set(guard, (source = new PageSource(guard)));
  return source;
}

function groupOf({ fingerprint, count, oldest, some }: LeakGroup): PageGroup {
  return {
    fingerprint,
    count,
    oldest: { ...HERE, leak: oldest },
    sockets: some.map(socketOf),
    test: hangUpCall(oldest),
  };
}

function socketOf(leak: LeakReport): PageSocket {
  const { id, kind, fd, ageMs, path, localAddress, localPort, remoteAddress, remotePort, traceId, requestId } = leak;
  return { ...HERE, id, kind, fd, ageMs, path, localAddress, localPort, remoteAddress, remotePort, traceId, requestId };
}
