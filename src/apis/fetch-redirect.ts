import { fetch } from './fetch.js';
import type { ApiWords } from './words.js';

/** fetch() follows a redirect without taking its body. */
export const fetchRedirect: ApiWords = {
  ...fetch,
  discardResponseBody: `ask with redirect: 'manual', await response.body.cancel() on each 3xx and follow it yourself`,
};
