import { net } from './net.js';
import type { ApiWords } from './words.js';

/** mqtt.js. */
export const mqtt: ApiWords = {
  ...net,
  resumeConnection: 'the callback that client.handleMessage() was given',
  endConnection: 'client.end()',
  destroyConnection: 'client.stream.destroy()',
  limitConnection: 'client.stream.setTimeout(ms, () => client.stream.destroy())',
};
