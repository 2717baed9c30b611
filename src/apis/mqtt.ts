import { net } from './net.js';
import type { ApiWords } from './words.js';

/** mqtt.js. */
export const mqtt: ApiWords = {
  ...net,
  resumeConnection: 'client.stream.resume()',
  endConnection: 'client.end()',
  destroyConnection: 'client.stream.destroy()',
};
