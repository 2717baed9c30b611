import { within } from '../check/wait.js';

/** Waits until it is settled, or `ms` are over, whichever comes first. What it rejects with is for who awaits it to the end. */
export async function settledWithin(ms: number, promise: Promise<unknown>): Promise<void> {
  await within(ms, promise).catch(() => undefined);
}
