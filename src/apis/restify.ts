import { http } from './http.js';
import type { ApiWords } from './words.js';

/** Its `writeHead()` returns nothing, so `end()` cannot be called on it. */
export const restify: ApiWords = {
  ...http,
  refuseRequest: `res.send(503, '', { connection: 'close' })`,
};
