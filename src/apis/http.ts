import { net } from './net.js';
import type { ApiWords } from './words.js';

/** A server of node:http or node:https. */
export const http: ApiWords = {
  ...net,
  refuseRequest: `res.writeHead(503, { connection: 'close' }).end()`,
  endResponse: 'res.end()',
  closeAfterResponse: `res.setHeader('connection', 'close')`,
  destroyResponse: 'res.destroy()',
  limitResponse: 'res.setTimeout(ms, () => res.destroy())',
  pauseRequestBody: 'req.pause()',
  resumeRequestBody: 'req.resume()',
  pipelineRequestBody: 'pipeline(req, destination, (error) => error && res.destroy())',
  limitUpstream: 'upstream.setTimeout(ms, () => res.destroy())',
};
