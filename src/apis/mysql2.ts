import { net } from './net.js';
import type { ApiWords } from './words.js';

/** mysql2: a query's stream pauses the connection below it. */
export const mysql2: ApiWords = {
  ...net,
  resumeConnection: `resume() of the query's stream, not of the connection,`,
  destroyConnection: `destroy() of the query's stream`,
};
