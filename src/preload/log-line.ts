import { threadId } from 'node:worker_threads';
import { wallClock } from '../base/clock.js';
import { safeText } from '../base/escape.js';
import type { Gathered } from '../guard/equal-lines.js';
import type { LeakReport } from '../leaks/report.js';
import { leakLine, traceFieldsOf } from '../guard/leak-line.js';

/** How lines look: JSON for programs, words for somebody at a terminal. */
export interface LineForm {
  leak(what: Gathered): Buffer;
  dropped(count: number): Buffer;
  /** The leaks that are open, when somebody asks. */
  list(leaks: readonly LeakReport[]): Buffer[];
}

export const JSON_FORM: LineForm = {
  leak: ({ event, leak }) => json({ event, ...origin(), ...traceFieldsOf(leak), leak }),
  dropped: (count) => json({ event: 'dropped', ...origin(), count }),
  list: (leaks) => [
    ...leaks.map((leak) => json({ event: 'open', ...origin(), ...traceFieldsOf(leak), leak })),
    json({ event: 'listed', ...origin(), count: leaks.length }),
  ],
};

export const TERMINAL_FORM: LineForm = {
  leak: (what) => words(leakLine(what)),
  dropped: (count) =>
    words(`${count} lines are missing here: the terminal took nothing for so long that they were dropped`),
  list: (leaks) => {
    const kinds = new Map<string, LeakReport>();
    for (const leak of leaks) if (!kinds.has(leak.fingerprint)) kinds.set(leak.fingerprint, leak);
    return [
      words(`${leaks.length} leaked sockets are open${leaks.length === 0 ? '' : ':'}`),
      ...Array.from(kinds.values(), ({ count, explanation, fix }) =>
        words(`${count} of these: ${explanation} Fix: ${fix}`),
      ),
    ];
  },
};

function origin(): { readonly time: string; readonly pid: number; readonly threadId: number } {
  return { time: wallClock().toISOString(), pid: process.pid, threadId };
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function words(text: string): Buffer {
  const time = wallClock().toTimeString().slice(0, 8);
  const where = threadId === 0 ? String(process.pid) : `${process.pid}/${threadId}`;
  return Buffer.from(`${time} close-wait-guard[${where}] ${safeText(text)}\n`);
}
