import { http } from './http.js';
import type { ApiWords } from './words.js';

export const fastify: ApiWords = {
  ...http,
  // What was hijacked does not send any more.
  refuseRequest: `reply.code(503).header('connection', 'close').send() (after hijack(): reply.raw.destroy())`,
  endResponse: 'reply.raw.end()',
  closeAfterResponse: `reply.header('connection', 'close')`,
  destroyResponse: 'reply.raw.destroy()',
  limitResponse: 'reply.raw.setTimeout(ms, () => reply.raw.destroy())',
  pauseRequestBody: 'request.raw.pause()',
  resumeRequestBody: 'request.raw.resume()',
  pipelineRequestBody: 'pipeline(request.raw, destination, (error) => error && reply.raw.destroy())',
  discardFormFile: 'part.file.resume()',
  limitUpstream: 'upstream.setTimeout(ms, () => reply.raw.destroy())',
  clientErrorListener: 'the clientErrorHandler option',
};
