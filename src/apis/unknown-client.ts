import { fetch } from './fetch.js';
import { httpClient } from './http-client.js';
import { net } from './net.js';
import { undici } from './undici.js';
import type { ApiWords } from './words.js';

/** An HTTP client, and the facts do not tell which: the words of the three that Node itself has. */
export const unknownClient: ApiWords = {
  ...net,
  discardResponseBody: [
    `${httpClient.discardResponseBody} with node:http`,
    `${fetch.discardResponseBody} with fetch`,
    `${undici.discardResponseBody} with undici`,
  ].join(', '),
};
