import type { ApiWords } from '../apis/words.js';
import type { LeakCause, LeakReason } from '../base/vocabulary.js';
import { wordsFor } from './api.js';
import type { Cause } from './causes/cause.js';
import { CAUSES } from './causes/index.js';
import type { LeakFacts } from './facts.js';
import { processName } from './processes.js';

export interface Sentences {
  readonly reason: LeakReason | undefined;
  /** What is true of this very socket. */
  readonly explanation: string;
  /** What to write. */
  readonly fix: string;
}

/** A report's two sentences, in the words of the API that the leak's code is written against, and the reason they tell. */
export function sentencesFor(name: LeakCause, facts: LeakFacts): Sentences {
  const words = wordsFor(facts);
  const cause: Cause = CAUSES[name];
  const reason = cause.reasons?.find(({ applies }) => applies(facts));
  const { explanation, fix } = reason ?? cause;
  return {
    reason: reason?.name,
    explanation: explanation(facts),
    fix: keptOpenFix(words, facts) ?? fix(words, facts),
  };
}

/** Whatever it is in here, another process reads it. */
function keptOpenFix({ destroyConnection }: ApiWords, { transferred, heldBy }: LeakFacts): string | undefined {
  if (transferred?.direction !== 'sent' || heldBy !== 'socket') return undefined;
  return `Call ${destroyConnection} in the callback of child.send(…, { keepOpen: true }): ${processName(transferred.process)} has the socket, and reading it here would take its bytes.`;
}
