import type { TcpStateName } from '../base/tcp-states.js';
import type { Framework, LeakCause, LeakKind, LeakReason, Side } from '../base/vocabulary.js';

/** One leaked (or half-closed) socket, as plain data that survives JSON. Times are milliseconds, sizes bytes. */
export interface LeakReport {
  /** The kernel's socket cookie (SO_COOKIE) in decimal: unique for the life of the kernel, unlike an fd. */
  readonly id: string;
  readonly kind: LeakKind;
  readonly cause: LeakCause;
  /**
   * The same for equal leaks, those that one change of the code ends: 12 hexadecimal digits, made of cause, reason, server, side, method,
   * route, destination and `requestedBy`, with ids in paths left out. It is the same in every process, and stays as it was told
   * when the leak's kind or cause changes.
   */
  readonly fingerprint: string;
  /** Leaks of this fingerprint that were told and are open: 1 in the first report, 0 when the last one is closed. */
  readonly count: number;
  /** What tells this leak from others of its cause; undefined where no evidence does. */
  readonly reason: LeakReason | undefined;
  /** One sentence about this very socket: what happened. */
  readonly explanation: string;
  /** One sentence: what to change in the code. */
  readonly fix: string;
  /** `inbound`: accepted. `outbound`: connected. `unknown`: no JS socket of this thread owns the fd. */
  readonly side: Side;
  /** The API that the leak's code is written against, as `fix` speaks it; undefined where nothing tells. */
  readonly framework: Framework | undefined;
  readonly fd: number;
  /** The TCP state's name, as in tcp(7) and `ss`. */
  readonly state: TcpStateName;
  /** Name of the server that accepted it. */
  readonly server: string | undefined;
  readonly method: string | undefined;
  /**
   * The route's pattern, as in `/items/:id`. Where none is known (docs/frameworks.md), the path without its query, with ids in
   * it folded: numbers as `:n`, UUIDs as `:uuid`, hashes and other ids as `:hash`.
   */
  readonly route: string | undefined;
  /** The path that was asked for, without its query, where `route` is another text: a pattern, or that path with ids folded. */
  readonly path: string | undefined;
  /**
   * Where the application registered the route, as in `routes/items.js:42`: relative to the working directory. Known where the
   * Fastify plugin was registered before the route.
   */
  readonly registeredAt: string | undefined;
  /**
   * Outbound only, where the socket goes: `http://host:port/path` without the query, or `host:port`. Through a proxy
   * `https://host:port/path via host:port`; where the Host header names another host, that is said behind it.
   */
  readonly destination: string | undefined;
  /**
   * The trace that the request belongs to, from its own `traceparent` header (W3C Trace Context): 32 hexadecimal digits. With
   * close-wait-guard/otel also of a request without one, from its span.
   */
  readonly traceId: string | undefined;
  /**
   * From the same header, 16 hexadecimal digits: an inbound request's calling span; of an outbound one the span that it was made in.
   * With close-wait-guard/otel an inbound request's own span, where it has one.
   */
  readonly spanId: string | undefined;
  /** From where the span is from, 2 hexadecimal digits: bit 0 says that the trace is recorded. */
  readonly traceFlags: string | undefined;
  /** The request's `x-request-id` header: up to 128 letters, digits and `_.:=+/-`, else undefined. */
  readonly requestId: string | undefined;
  /** The inbound route that asked for an outbound connection, as in `POST /checkout`; needs `traceRequests`. */
  readonly requestedBy: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  /** Since the peer closed its end: a lower bound, exact to one sample interval if the guard saw the connection open before. */
  readonly ageMs: number;
  /** Since the last progress (bytes read, bytes acknowledged, a state change); never more than `ageMs`. */
  readonly idleMs: number;
  /** Bytes of the body or the connection that the application has taken: at least so many. Undefined where it cannot be known. */
  readonly takenBytes: number | undefined;
  /** The body's content-length. */
  readonly declaredBytes: number | undefined;
  /** What holds it up: what it is piped to and waits for, as in `POST http://upstream:8080/items`. */
  readonly waitsFor: string | undefined;
  /** When Node will end it by itself (requestTimeout, keepAliveTimeout, a socket time-out). Undefined: nothing will, or it is not known. */
  readonly endsInMs: number | undefined;
  /** In the kernel's receive queue (SIOCINQ), without the FIN. */
  readonly unreadKernelBytes: number;
  /** In the streams above it, taken from the kernel and not by the application. */
  readonly unreadStreamBytes: number;
  /** Written and not acknowledged: the kernel's send queue (SIOCOUTQ) and the stream's buffer. */
  readonly unsentBytes: number;
  /** The application's frames when an outbound request or connection was made; needs `captureStacks`. */
  readonly stack: string | undefined;
}
