import { fastify } from '../apis/fastify.js';
import { http } from '../apis/http.js';
import { net } from '../apis/net.js';
import type { ApiWords } from '../apis/words.js';
import { clientWords, connectionWords } from './client-words.js';
import type { LeakFacts } from './facts.js';

/**
 * The words of the API that the leak's code is written against, as far as the facts tell it: otherwise those of the API that
 * it stands on.
 */
export function wordsFor(facts: Pick<LeakFacts, 'framework' | 'stream' | 'client' | 'reading'>): ApiWords {
  const { framework, stream } = facts;
  switch (stream?.http?.role) {
    case 'server':
      return framework === 'fastify' ? fastify : http;
    case 'client':
      return clientWords(facts);
    default:
      return connectionWords(facts) ?? net;
  }
}
