import { threadId } from 'node:worker_threads';
import { wallClock } from '../base/clock.js';
import type { Gathered } from '../guard/equal-lines.js';
import { leakLine, traceFieldsOf } from '../guard/leak-line.js';

/** How lines look: JSON for programs, words for somebody at a terminal. */
export interface LineForm {
  leak(what: Gathered): Buffer;
  dropped(count: number): Buffer;
}

export const JSON_FORM: LineForm = {
  leak: ({ event, leak }) => json({ event, ...origin(), ...traceFieldsOf(leak), leak }),
  dropped: (count) => json({ event: 'dropped', ...origin(), count }),
};

export const TERMINAL_FORM: LineForm = {
  leak: (what) => words(leakLine(what)),
  dropped: (count) =>
    words(`${count} lines are missing here: the terminal took nothing for so long that they were dropped`),
};

function origin(): { readonly time: string; readonly pid: number; readonly threadId: number } {
  return { time: wallClock().toISOString(), pid: process.pid, threadId };
}

function json(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Control characters would be the terminal's to obey. */
function words(text: string): Buffer {
  const time = wallClock().toTimeString().slice(0, 8);
  const where = threadId === 0 ? String(process.pid) : `${process.pid}/${threadId}`;
  return Buffer.from(`${time} close-wait-guard[${where}] ${text.replace(/\p{C}/gu, '?')}\n`);
}
