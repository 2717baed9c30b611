import type { LeakCause } from '../base/vocabulary.js';
import { wordsFor } from './api.js';
import { CAUSES } from './causes/index.js';
import type { LeakFacts } from './facts.js';

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
  return { explanation: explanation(facts), fix: fix(words, facts) };
}
