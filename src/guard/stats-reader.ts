import type { Server } from 'node:net';
import { fact } from '../base/fact.js';
import { VERSION } from '../base/version.js';
import type { LeakKind } from '../base/vocabulary.js';
import type { NativeBinding } from '../kernel/native.js';
import { listenOverflows } from '../kernel/netstat.js';
import { ephemeralPorts } from '../kernel/port-range.js';
import { addressesOf, type WatchedServers } from '../sockets/servers.js';
import type { SocketTable } from '../sockets/socket-table.js';
import type { Failures } from './failures.js';
import { FinWait2ByHost } from './fin-wait2-by-host.js';
import { CensusOnce, networkStats, type Listener, type NetworkStats } from './listeners.js';
import { answersFor, type Reporter } from './reporters.js';
import type { Sampler } from './sampler.js';
import type { GuardStats } from './stats.js';
import type { LeakTallies } from './tallies.js';

const NOTHING_COUNTED = {
  halfClosed: [],
  oldestMs: 0,
  unreadBytes: 0,
  portCollisionRatio: 0,
};
const NO_NETWORK: NetworkStats = { listeners: [], destinations: [] };

/** What a guard has where the addon runs, until it is closed. */
export interface GuardResources {
  readonly binding: NativeBinding;
  readonly table: SocketTable;
  readonly sampler: Sampler;
  readonly release: () => void;
}

/** What a guard counts as it goes. */
export interface GuardCounts {
  readonly unsupportedReason: string | undefined;
  readonly tallies: LeakTallies;
  readonly released: Readonly<Record<LeakKind, number>>;
  readonly reclaimed: Readonly<Record<LeakKind, number>>;
  readonly failures: Failures;
}

/** Puts a guard's counts together. Reads nothing of a socket that a sample has not read. */
export class StatsReader {
  readonly #servers: WatchedServers;
  readonly #nameOf: (server: Server) => string;
  readonly #reporter: Reporter;
  readonly #network = { census: new CensusOnce(), byHost: new FinWait2ByHost() };

  constructor(servers: WatchedServers, nameOf: (server: Server) => string, reporter: Reporter) {
    this.#servers = servers;
    this.#nameOf = nameOf;
    this.#reporter = reporter;
  }

  /** @param resources undefined where the addon cannot run, and after close() */
  read(resources: GuardResources | undefined, counts: GuardCounts): GuardStats {
    const { binding, table, sampler } = resources ?? {};
    const { unsupportedReason, tallies, released, reclaimed, failures } = counts;
    failures.takeNoted(table);
    const counted = sampler
      ? fact(() => sampler.count(this.#nameOf, ephemeralPorts()), NOTHING_COUNTED)
      : NOTHING_COUNTED;
    const [openFds, fdLimit] = binding ? fact(() => binding.fdUsage(), [-1, 0]) : [-1, 0];
    return {
      version: VERSION,
      supported: unsupportedReason === undefined,
      unsupportedReason,
      watched: table?.watchedCount ?? 0,
      pending: table?.pendingCount ?? 0,
      ...counted,
      leaks: tallies.list(),
      openLeaks: sampler ? fact(() => sampler.openLeaks(tallies.routeLabelOf), []) : [],
      released: { ...released },
      reclaimed: { ...reclaimed },
      unreported: sampler?.counts.untoldCount ?? 0,
      ignored: sampler?.counts.ignoredCount ?? 0,
      ...(resources ? fact(() => this.#networkOf(resources, failures), NO_NETWORK) : NO_NETWORK),
      fds: { open: openFds < 0 ? undefined : openFds, limit: fdLimit },
      listenOverflows: binding && listenOverflows(binding),
      lastSample: sampler?.lastSample ?? { durationMs: 0, socketsRead: 0, endedAt: undefined },
      errors: failures.counts,
    };
  }

  /** As `stats()` has them, and nothing else of it. */
  healthCounts(sampler: Sampler | undefined): { readonly leaks: number; readonly oldestMs: number } {
    const leaks = sampler?.counts.leakCount ?? 0;
    const oldestMs = fact(() => sampler?.count(this.#nameOf, ephemeralPorts()).oldestMs ?? 0, 0);
    return { leaks, oldestMs };
  }

  /** The servers given to watch(), and those of the process that no guard watches, when this one answers for them. */
  #networkOf({ binding, table }: GuardResources, failures: Failures): NetworkStats {
    const others = table
      .listeningServers()
      .filter((server) => !this.#servers.has(server) && answersFor(server) === this.#reporter);
    const listeners: Listener[] = [
      ...this.#servers
        .all()
        .map(({ server, addresses }) => ({ server, name: this.#nameOf(server), addresses: addresses() })),
      ...others.map((server) => ({ server, name: this.#nameOf(server), addresses: addressesOf(server) })),
    ];
    return networkStats(binding, listeners, table, this.#network, (error) => {
      failures.note('sock_diag', error);
    });
  }
}
