import { http } from './http.js';
import type { ApiWords } from './words.js';

/** On node-server: a web stream owns the body, and undoes `resume()` at once. */
export const hono: ApiWords = {
  ...http,
  refuseRequest: `return c.body(null, 503, { connection: 'close' })`,
  endResponse: 'c.env.outgoing.end()',
  closeAfterResponse: `c.header('connection', 'close')`,
  destroyResponse: 'c.env.outgoing.destroy()',
  limitResponse: 'c.env.outgoing.setTimeout(ms, () => c.env.outgoing.destroy())',
  pauseRequestBody: 'c.env.incoming.pause()',
  resumeRequestBody: 'c.env.incoming.resume()',
  pipelineRequestBody: 'pipeline(c.env.incoming, destination, (error) => error && c.env.outgoing.destroy())',
  limitUpstream: 'upstream.setTimeout(ms, () => c.env.outgoing.destroy())',
};
