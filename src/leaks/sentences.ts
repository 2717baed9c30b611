import type { LeakCause, LeakReason } from '../base/vocabulary.js';
import { wordsFor } from './api.js';
import type { Cause } from './causes/cause.js';
import { CAUSES } from './causes/index.js';
import type { LeakFacts } from './facts.js';

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
  return { reason: reason?.name, explanation: explanation(facts), fix: fix(words, facts) };
}
