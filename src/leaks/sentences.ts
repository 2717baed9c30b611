import type { LeakCause } from '../base/vocabulary.js';
import { wordsFor } from './api.js';
import { CAUSES } from './causes/index.js';
import type { ApiWords } from '../apis/words.js';
import type { LeakFacts } from './facts.js';
import { processName } from './processes.js';

export interface Sentences {
  /** What is true of this very socket. */
  readonly explanation: string;
  /** What to write. */
  readonly fix: string;
}

/** A report's two sentences, in the words of the API that the leak's code is written against. */
export function sentencesFor(cause: LeakCause, facts: LeakFacts): Sentences {
  const words = wordsFor(facts);
  const { explanation, fix } = CAUSES[cause];
  return { explanation: explanation(facts), fix: keptOpenFix(words, facts) ?? fix(words, facts) };
}

/** Whatever it is in here, another process reads it. */
function keptOpenFix({ destroyConnection }: ApiWords, { transferred, heldBy }: LeakFacts): string | undefined {
  if (transferred?.direction !== 'sent' || heldBy !== 'socket') return undefined;
  return `Call ${destroyConnection} in the callback of child.send(…, { keepOpen: true }): ${processName(transferred.process)} has the socket, and reading it here would take its bytes.`;
}
