import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const notOwnedByThisThread: Cause<'not-owned-by-this-thread'> = {
  name: 'not-owned-by-this-thread',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} belongs to no JS socket of this thread${unread(facts)}; ${howItEnded(facts)}.`,
  fix: () =>
    `Call import('close-wait-guard/register') first in each worker thread: the guard in there says which code has the socket; without workers, look in native addons.`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/not-owned-by-this-thread.md',
};
