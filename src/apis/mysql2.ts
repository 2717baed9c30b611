import { net } from './net.js';
import type { ApiWords } from './words.js';

/** mysql2: a query's stream pauses the connection below it. */
export const mysql2: ApiWords = {
  ...net,
  resumeConnection: `resume the query's stream, not the connection`,
  destroyConnection: `destroy the query's stream`,
};
