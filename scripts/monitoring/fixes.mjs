/** What to do about each cause, for the text of an alert: the report and the cause's page say it of the very socket. */
export const FIXES = {
  'never-read': 'read the socket, or discard what it sends: socket.resume()',
  paused: 'resume what was paused, or destroy it when what it waits for does not come',
  'half-open-not-ended': "end the socket in its 'end' listener: socket.end()",
  'response-not-ended': 'answer on every path, and give the answer a time limit',
  'request-body-not-read': 'read the request body or answer with connection: close on every path',
  'request-body-abandoned': 'destroy the request when what it was piped to has failed',
  'response-body-not-read': 'read the response to its end, or cancel it: resume(), dump(), body.cancel()',
  'pipelined-behind-pending-response': 'answer the first request of the connection on every path',
  'write-stalled': 'give the response a time limit: its reader has stopped',
  'detached-handle': 'close the handle that was taken off its socket',
  'not-owned-by-this-thread': 'start the guard in the worker thread that has the socket; it names the code',
  'held-by-another-process': 'close the socket in the process that was given it as well',
  unknown: 'look at the report in the log: it has what is known',
};
