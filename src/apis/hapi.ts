import { http } from './http.js';
import type { ApiWords } from './words.js';

export const hapi: ApiWords = {
  ...http,
  refuseRequest: `return h.response().code(503).header('connection', 'close')`,
  endResponse: 'request.raw.res.end()',
  closeAfterResponse: `response.header('connection', 'close')`,
  destroyResponse: 'request.raw.res.destroy()',
  limitResponse: 'request.raw.res.setTimeout(ms, () => request.raw.res.destroy())',
  pauseRequestBody: 'request.raw.req.pause()',
  resumeRequestBody: 'request.raw.req.resume()',
  pipelineRequestBody: 'pipeline(request.raw.req, destination, (error) => error && request.raw.res.destroy())',
  limitUpstream: 'upstream.setTimeout(ms, () => request.raw.res.destroy())',
};
