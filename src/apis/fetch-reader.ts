import { fetch } from './fetch.js';
import type { ApiWords } from './words.js';

/** fetch(): a reader or an iterator has the body, and cancel() of the body itself would throw. */
export const fetchReader: ApiWords = {
  ...fetch,
  discardResponseBody: 'await reader.cancel(), or break out of the loop over it',
  destroyResponseBody: 'await reader.cancel()',
};
