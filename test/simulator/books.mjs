// Holds what a ledger says in numbers against what has been seen of it, and against a walk over its entries.
import { fail, hold } from './seats.mjs';

/** @param ignored so many of its entries are withheld by a rule */
export function holdCounts({ leakCount, toldCount, ignoredCount }, { open, told }, ignored) {
  if (leakCount === open.size && toldCount === told && ignoredCount === ignored) return;
  fail(
    `the ledger counts ${leakCount} leaks, ${toldCount} told and ${ignoredCount} ignored, and there are ${open.size}, ${told} and ${ignored}`,
  );
}

export function holdTotals({ ledger, tracker }) {
  const expected = { halfClosed: 0, unreadBytes: 0, oldestMs: 0 };
  for (const { suspect, track, counted, ignored } of ledger.entries()) {
    if (track.kind === 'closing') continue;
    if (track.kind === 'close-wait') expected.halfClosed++;
    if (counted) expected.unreadBytes += Math.max(0, suspect.record.unreadBytes) + suspect.progress.bufferedBytes;
    if (!ignored) expected.oldestMs = Math.max(expected.oldestMs, tracker.ageMs(track));
  }
  const totals = ledger.totals((halfClosedAtMs) => tracker.ageMs({ halfClosedAtMs }), String, 1_000);
  const halfClosed = totals.halfClosed.reduce((sum, { count }) => sum + count, 0);
  const said = { halfClosed, unreadBytes: totals.unreadBytes, oldestMs: totals.oldestMs };
  for (const what of Object.keys(expected))
    hold(
      said[what] === expected[what] || (what === 'oldestMs' && said[what] === -Infinity),
      () => `the ledger's ${what} is ${said[what]}, and its entries make ${expected[what]}`,
    );
  const open = ledger.openLeaks((route) => route).reduce((sum, { count }) => sum + count, 0);
  hold(open === ledger.leakCount, () => `${open} open leaks by their labels, ${ledger.leakCount} by the count`);
}
