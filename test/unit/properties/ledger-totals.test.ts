import fc from 'fast-check';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Ledger, type LeakCounted, type LedgerEntry } from '../../../src/guard/ledger.js';
import type { Suspect } from '../../../src/sockets/suspect.js';
import { propertyRuns } from '../../support/property-runs.js';

const RUNS = { ...propertyRuns(200), endOnFailure: true };
/** Stand-ins: nothing asks a server anything here. */
const SERVERS = [{} as Server, {} as Server, undefined];
const NAMES = new Map<Server | undefined, string>([
  [SERVERS[0], 'shop'],
  [SERVERS[1], 'shop'],
]);
const NOW_MS = 1_000_000;
const PORTS = 1_000;

const kind = fc.constantFrom('close-wait', 'reset', 'stalled', 'closing' as const);
const reading = fc.record({
  cookie: fc.bigInt({ min: 1n, max: 40n }),
  kind,
  unreadBytes: fc.integer({ min: -1, max: 500 }),
  bufferedBytes: fc.nat({ max: 500 }),
  becomesLeak: fc.boolean(),
  isIgnored: fc.boolean(),
  isGone: fc.boolean(),
});

/** What does not change in a socket's life. */
const fixedOf = (cookie: bigint) => ({
  server: SERVERS[Number(cookie % 3n)],
  side: cookie % 5n === 0n ? ('outbound' as const) : ('inbound' as const),
  halfClosedAtMs: 1_000 * Number((cookie * 7n) % 11n),
  remoteAddress: cookie % 4n === 0n ? undefined : `10.0.0.${cookie % 3n}`,
  localPort: Number(cookie % 2n),
});

const labelsOf = (cookie: bigint) => ({
  route: cookie % 6n === 0n ? undefined : `/${cookie % 3n}`,
  method: cookie % 7n === 0n ? 'GET' : undefined,
  server: cookie % 8n === 0n ? 'shop' : undefined,
  host: cookie % 5n === 0n ? `host${cookie % 2n}` : undefined,
});

function tally(keys: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const key of keys) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

function labelsText({ kind, side, route = '', method = '', server = '', host = '' }: LeakCounted): string {
  return [kind, side, route, method, server, host].join();
}

/** The same numbers the long way. */
function countAll(entries: readonly LedgerEntry[]) {
  const open = entries.filter(({ track }) => track && track.kind !== 'closing');
  const leaks = open.filter(({ counted }) => counted !== undefined);
  const peers = leaks.filter(({ counted }) => counted?.side !== 'outbound' && counted?.remoteAddress !== undefined);
  const sizes = Object.values(tally(peers.map(({ counted }) => `${counted?.localPort} ${counted?.remoteAddress}`)));
  return {
    halfClosed: tally(
      open
        .filter(({ track }) => track?.kind === 'close-wait')
        .map(({ suspect: { side, server } }) => `${side} ${NAMES.get(server) ?? ''}`),
    ),
    oldestMs: Math.max(
      0,
      ...open.filter(({ ignored }) => !ignored).map(({ track }) => NOW_MS - (track?.halfClosedAtMs ?? NOW_MS)),
    ),
    unreadBytes: leaks.reduce(
      (sum, { suspect: { record, progress } }) => sum + Math.max(0, record.unreadBytes) + progress.bufferedBytes,
      0,
    ),
    portCollisionRatio: Math.max(0, ...sizes) / PORTS,
    openLeaks: tally(entries.flatMap(({ countedNow }) => (countedNow ? labelsText(countedNow) : []))),
  };
}

describe("a ledger's totals, over any history", () => {
  it('are those of a walk over every entry', () => {
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 120, size: 'max' }), (readings) => {
        const ledger = new Ledger();
        for (const { cookie, kind: now, unreadBytes, bufferedBytes, becomesLeak, isIgnored, isGone } of readings) {
          const { halfClosedAtMs, remoteAddress, localPort, ...fixed } = fixedOf(cookie);
          const suspect = { cookie, ...fixed, record: { unreadBytes }, progress: { kind: now, bufferedBytes } };
          const entry = ledger.record(suspect as unknown as Suspect);
          entry.track = { kind: now, halfClosedAtMs } as LedgerEntry['track'];
          ledger.total(entry);
          if (becomesLeak && !entry.isLeak && now !== 'closing')
            ledger.count(entry, {
              ...{ kind: now, cause: 'paused', side: fixed.side, remoteAddress, localPort },
              ...labelsOf(cookie),
            });
          if (isIgnored && !entry.isLeak) ledger.ignore(entry);
          if (isGone) ledger.delete(cookie);

          const totals = ledger.totals(
            (at) => NOW_MS - at,
            (server) => NAMES.get(server) ?? '',
            PORTS,
          );
          const open = ledger.openLeaks((route) => route);
          expect({
            ...totals,
            openLeaks: Object.fromEntries(
              open.map(({ destination: host, count, ...labels }) => [
                labelsText({ ...labels, host } as LeakCounted),
                count,
              ]),
            ),
            halfClosed: Object.fromEntries(
              totals.halfClosed.map(({ side, server, count }) => [`${side} ${server}`, count]),
            ),
          }).toEqual(countAll([...ledger.entries()]));
        }
      }),
      RUNS,
    );
  });
});
