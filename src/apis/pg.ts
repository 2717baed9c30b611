import { net } from './net.js';
import type { ApiWords } from './words.js';

/** pg: its connection's socket is `client.connection.stream`. */
export const pg: ApiWords = {
  ...net,
  resumeConnection: 'client.connection.stream.resume()',
  destroyConnection: 'client.connection.stream.destroy()',
  endConnection: 'await client.end()',
  limitConnection: 'client.connection.stream.setTimeout(ms, () => client.connection.stream.destroy())',
};
