import type { AddressInfo, Server } from 'node:net';
import { monotonicMs } from '../base/clock.js';
import { TcpState } from '../base/tcp-states.js';
import type { NativeBinding } from '../kernel/native.js';
import { takeCensus, type Census, type CensusOptions, type PortCensus } from '../kernel/sock-diag.js';
import { SocketBatch } from '../kernel/socket-batch.js';
import { fdOf } from '../layers/node-internals.js';
import type { SocketTable } from '../sockets/socket-table.js';
import type { FinWait2ByHost } from './fin-wait2-by-host.js';
import type { GuardStats } from './stats.js';

export interface Listener {
  readonly server: Server;
  readonly name: string;
  readonly addresses: readonly AddressInfo[];
}

interface Queues {
  acceptQueue: number | undefined;
  acceptQueueLimit: number | undefined;
}

export type NetworkStats = Pick<GuardStats, 'listeners' | 'destinations'>;

/**
 * The listening sockets of these servers, read now; servers of one name are added up. And what remote ends owe, there and
 * at the destinations of this thread. Where netlink is refused, `onRefused` is told and the rest stands.
 */
export function networkStats(
  binding: NativeBinding,
  listeners: readonly Listener[],
  table: Pick<SocketTable, 'destinations' | 'isWatched'>,
  { census: once, byHost }: { readonly census: CensusOnce; readonly byHost: FinWait2ByHost },
  onRefused: (error: unknown) => void,
): NetworkStats {
  const { destinations } = table;
  const listening = listeners.filter(({ addresses }) => addresses.length > 0);
  if (listening.length === 0 && destinations.size === 0) return { listeners: [], destinations: [] };
  const byName = readQueues(binding, listening);
  const queues = [...byName.values()];
  const wanted: CensusOptions = {
    ports: queues.flatMap(({ ports }) => [...ports]),
    // Undefined: the queue is another process's, or the kernel does not tell.
    withQueues: queues.some(({ acceptQueue }) => acceptQueue !== 0),
    withListening: queues.some(({ acceptQueueLimit }) => acceptQueueLimit === undefined),
    family: familyOf(listening, destinations.families()),
    hostOf: destinations.size === 0 ? undefined : (endpoints) => destinations.hostOf(endpoints),
    isOurs: (cookie) => table.isWatched(cookie),
  };
  const census = once.take(binding, wanted, onRefused);
  return {
    listeners: Array.from(byName, ([server, { ports, acceptQueue, acceptQueueLimit }]) => {
      const counts = [...ports].map((port) => census?.byPort.get(port));
      return {
        server,
        acceptQueue: acceptQueue ?? queueOf(counts, 'waiting'),
        acceptQueueLimit: acceptQueueLimit ?? queueOf(counts, 'limit'),
        acceptQueueCloseWait: census && sum(counts, 'acceptQueueCloseWait'),
        finWait2: census && sum(counts, 'finWait2'),
      };
    }),
    destinations: byHost.list(census?.byHost),
  };
}

function readQueues(
  binding: NativeBinding,
  listening: readonly Listener[],
): Map<string, Queues & { readonly ports: Set<number> }> {
  const batch = new SocketBatch();
  for (const { server } of listening) batch.push(fdOf(server) ?? -1);
  batch.read(binding);
  const byName = new Map<string, Queues & { readonly ports: Set<number> }>();
  listening.forEach(({ name, addresses }, row) => {
    const entry = byName.get(name) ?? { ports: new Set<number>(), acceptQueue: undefined, acceptQueueLimit: undefined };
    byName.set(name, entry);
    for (const { port } of addresses) entry.ports.add(port);
    // In a cluster worker the listening socket is the primary's, and there is no fd here to read: the census has it.
    if (batch.field(row, 'errno') !== 0 || batch.field(row, 'state') !== TcpState.LISTEN) return;
    entry.acceptQueue = plus(entry.acceptQueue, batch.field(row, 'acceptQueue'));
    entry.acceptQueueLimit = plus(entry.acceptQueueLimit, batch.field(row, 'backlog'));
  });
  return byName;
}

/** The address family of all their connections, if there is one. Anything that Node does not call IPv4 or IPv6 may be either. */
function familyOf(listeners: readonly Listener[], ofDestinations: ReadonlySet<4 | 6>): 4 | 6 | undefined {
  const ofListeners = listeners.flatMap(({ addresses }) => addresses.map(({ family }) => family));
  const families = new Set([...ofListeners, ...Array.from(ofDestinations, (family) => `IPv${family}`)]);
  const [first, second] = families;
  if (second !== undefined) return undefined;
  return first === 'IPv6' ? 6 : first === 'IPv4' ? 4 : undefined;
}

/** -1 is what this kernel does not tell (a TCP_INFO shorter than that field): it adds nothing, and is no number. */
function plus(sum: number | undefined, value: number): number | undefined {
  return value < 0 ? sum : (sum ?? 0) + value;
}

/** Undefined where no listening socket is there. */
function queueOf(counts: readonly (PortCensus | undefined)[], name: 'waiting' | 'limit'): number | undefined {
  const queues = counts.flatMap((count) => count?.queue ?? []);
  return queues.length === 0 ? undefined : queues.reduce((total, queue) => total + queue[name], 0);
}

function sum(counts: readonly (PortCensus | undefined)[], name: 'finWait2' | 'acceptQueueCloseWait'): number {
  return counts.reduce((total, count) => total + (count?.[name] ?? 0), 0);
}

/** How old a census may be. It costs what the kernel's hash table has buckets, some 10 ms, however few sockets there are. */
const CENSUS_MS = 1_000;

/** The last census of a guard's ports and destinations: what asks twice within a second gets one. */
export class CensusOnce {
  #takenAtMs = Number.NEGATIVE_INFINITY;
  #of = '';
  #last: Census | undefined;

  /** Undefined where netlink is refused: `onRefused` is told. */
  take(binding: NativeBinding, wanted: CensusOptions, onRefused: (error: unknown) => void): Census | undefined {
    const nowMs = monotonicMs();
    const of = `${wanted.ports.join()} ${wanted.withQueues} ${wanted.withListening} ${wanted.family} ${wanted.hostOf !== undefined}`;
    if (of === this.#of && nowMs - this.#takenAtMs < CENSUS_MS) return this.#last;
    this.#of = of;
    this.#takenAtMs = nowMs;
    this.#last = undefined;
    try {
      this.#last = takeCensus(binding, wanted);
    } catch (error) {
      onRefused(error);
    }
    return this.#last;
  }
}
