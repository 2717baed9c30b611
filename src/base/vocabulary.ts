/**
 * `close-wait`: the peer's FIN arrived and `close()` never ran. `reset`: the kernel has ended the connection (state CLOSE)
 * and the fd is still open. `stalled`: the FIN waits behind a full receive window.
 */
export const LEAK_KINDS = ['close-wait', 'reset', 'stalled'] as const;
export type LeakKind = (typeof LEAK_KINDS)[number];

/** Why a socket leaked: a closed set, so that it can be a metric's label. */
export const LEAK_CAUSES = [
  'never-read',
  'paused',
  'half-open-not-ended',
  'response-not-ended',
  'request-body-not-read',
  'request-body-abandoned',
  'response-body-not-read',
  'pipelined-behind-pending-response',
  'write-stalled',
  'detached-handle',
  'not-owned-by-this-thread',
  'held-by-another-process',
  'unknown',
] as const;
export type LeakCause = (typeof LEAK_CAUSES)[number];

/** `inbound`: accepted here or in a parent. `outbound`: connected by this process. `unknown`: no JS socket of this thread has the fd. */
export const SIDES = ['inbound', 'outbound', 'unknown'] as const;
export type Side = (typeof SIDES)[number];

/** A framework whose router is known to take the requests of a server. */
export type Framework = 'fastify';
