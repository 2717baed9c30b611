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

/**
 * What tells apart the leaks of one cause, where evidence does: a closed set too, but one that grows. It is in reports and
 * decides their sentences; metrics have the cause alone.
 */
export const LEAK_REASONS = [
  /** Nobody has touched the body. */
  'not-touched',
  /** It was paused, and who listens for its bytes did not resume it. */
  'paused-by-reader',
  /** A 'readable' listener leaves bytes that it did not read(). */
  'readable-left',
  /** A `for await` over it has not asked for the next chunk. */
  'iterator-stopped',
  /** It is piped on, and what it is piped to takes nothing. */
  'destination-stalled',
  /** It was piped on, and lost what it was piped to. */
  'destination-failed',
  /** A web stream has taken it over, and is not read. */
  'web-stream-not-read',
  /** It is a form, and a file of it is not read. */
  'form-file-not-read',
  /** http left the socket to a 'clientError' listener. */
  'client-error-listener',
  /** It asked for an upgrade or a tunnel, and nothing was written to it. */
  'upgrade-not-answered',
  /** It asked for an upgrade or a tunnel, and was answered. */
  'upgrade-not-ended',
  /** `allowHalfOpen` leaves it to the application to end it. */
  'allow-half-open',
  /** Its TLS handshake has not ended. */
  'handshake-not-ended',
  /** TLS, begun on a connection that spoke something else first, has read it to its end and was not ended. */
  'tls-not-ended',
  /** Its server takes connections paused. */
  'paused-on-connect',
  /** It carries a WebSocket. */
  'websocket',
] as const;
export type LeakReason = (typeof LEAK_REASONS)[number];

/** The API that a leak's code is written against: a framework, a library, or one of Node's own modules. */
export const FRAMEWORKS = [
  'fastify',
  'express',
  'koa',
  'hapi',
  'hono',
  'next',
  'restify',
  'polka',
  'socket.io',
  'http',
  'net',
  'ws',
  'undici',
  'fetch',
  'got',
  'axios',
  'node-fetch',
  'aws-sdk',
  'http-proxy',
  'mysql2',
  'pg',
  'ioredis',
  'mqtt',
] as const;
export type Framework = (typeof FRAMEWORKS)[number];
