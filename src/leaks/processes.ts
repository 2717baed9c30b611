import type { LeakFacts, OtherProcess } from './facts.js';

/** `process 4711 (node worker.js)`. */
export function processName({ pid, command }: OtherProcess): string {
  return command === undefined ? `process ${pid}` : `process ${pid} (${command})`;
}

/** Behind what a sentence is about, with a space before it; empty where no other process has to do with it. */
export function transferred({ transferred: transfer, heldBy }: Pick<LeakFacts, 'transferred' | 'heldBy'>): string {
  if (!transfer || heldBy !== 'socket') return '';
  return ` ${transfer.direction === 'received' ? 'received from' : 'sent to'} ${processName(transfer.process)}`;
}
