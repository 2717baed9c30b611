import type { Server } from 'node:net';
import { fact } from '../base/fact.js';
import { currentKind, type LedgerEntry } from './ledger.js';
import type { Sampler } from './sampler.js';
import type { HalfClosedNow } from './stats.js';

/** Every half-closed, reset or stalled socket of a guard in numbers and labels, as it was last read. Describes none. */
export function halfClosedNow(sampler: Sampler, nameOf: (server: Server) => string): readonly HalfClosedNow[] {
  const names = new Map<Server, string | undefined>();
  const cachedName = (server: Server): string | undefined => {
    if (!names.has(server))
      names.set(
        server,
        fact(() => nameOf(server), undefined),
      );
    return names.get(server);
  };
  return Array.from(sampler.ledger.entries()).flatMap((entry) => numbersOf(entry, sampler, cachedName));
}

function numbersOf(
  entry: LedgerEntry,
  sampler: Sampler,
  nameOf: (server: Server) => string | undefined,
): HalfClosedNow[] {
  const { departed, counted, bufferedBytes } = entry;
  const kind = currentKind(entry);
  if (kind === 'closing') return [];
  const { side, server, record, cookie } = departed;
  return [
    {
      kind,
      side,
      server: server && nameOf(server),
      ageMs: sampler.ageMs(cookie),
      unreadBytes: Math.max(0, record.unreadBytes) + bufferedBytes,
      // Most keep the kind they were counted with.
      leak: counted === undefined || counted.kind === kind ? counted : { ...counted, kind },
    },
  ];
}
