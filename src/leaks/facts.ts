import type { TcpStateName } from '../base/tcp-states.js';
import type { Framework, LeakKind, Side } from '../base/vocabulary.js';
import type { Endpoints } from '../kernel/endpoints.js';
import type { ClientFacts } from '../layers/client-api.js';
import type { StreamFacts } from '../layers/facts.js';
import type { ReadingFacts } from '../layers/reading.js';
import type { RequestIds } from '../layers/request-ids.js';

/**
 * Who holds the fd. `socket`: a JS socket of this thread. `lost-socket`: a JS socket of this thread had it, and no longer has.
 * `other-process`: another process, and this one no more. `unknown`: this process, but no JS socket of this thread.
 */
export type FdHolder = 'socket' | 'lost-socket' | 'other-process' | 'unknown';

export interface OtherProcess {
  readonly pid: number;
  /** As in `node worker.js`; undefined where it has ended, or /proc does not tell. */
  readonly command: string | undefined;
}

/** That a socket came from another process, or was sent to one: over IPC (`message`), or as one of its standard fds. */
export interface Transferred {
  readonly direction: 'sent' | 'received';
  readonly as: 'message' | 'stdio';
  readonly process: OtherProcess;
}

/**
 * All that is known of one half-closed, reset or stalled socket at one moment. It is looked up once a sample; diagnosis,
 * sentences, report, metric labels and the decision to reclaim read this and nothing else.
 */
export interface LeakFacts {
  /** The kernel's SO_COOKIE: unique for the life of the kernel, unlike an fd. */
  readonly cookie: bigint;
  /** -1 when only another process holds the socket. */
  readonly fd: number;
  readonly kind: LeakKind;
  readonly side: Side;
  readonly state: TcpStateName;
  /** A RST or a time-out ended the connection, not an orderly close. */
  readonly aborted: boolean;
  /** Since the peer closed its end: a lower bound. */
  readonly ageMs: number;
  /** Since the last progress. A change of state is progress: after one it is less than `ageMs`. */
  readonly idleMs: number;

  readonly heldBy: FdHolder;
  /** The process that holds it, when it is another one and /proc shows it. */
  readonly holder: OtherProcess | undefined;
  /** Undefined: it is not known to have been. */
  readonly transferred: Transferred | undefined;
  readonly endpoints: Endpoints;

  /** Name of the server that accepted it. */
  readonly server: string | undefined;
  readonly method: string | undefined;
  /** The route's pattern; where none is known, the path that was asked for with its ids folded, as in `/users/:n`. */
  readonly route: string | undefined;
  /** The path that was asked for, where `route` is another text. */
  readonly path: string | undefined;
  /** Where the application registered the route, as in `routes/items.js:42`. */
  readonly registeredAt: string | undefined;
  /** What metrics call it: a path that the application's router does not know is no label. */
  readonly routeLabel: string | undefined;
  /** False where the route says that its sockets are not to be reclaimed. */
  readonly routeAllowsReclaim: boolean;
  /** The API that its code is written against; undefined where nothing tells. */
  readonly framework: Framework | undefined;

  /** Outbound only: `http://host:port/path`, or `host:port`; see guard/destination.ts. */
  readonly destination: string | undefined;
  /** Of the request that it carries. */
  readonly ids?: RequestIds | undefined;
  /** The inbound request whose handler made the outbound one, as in `POST /checkout`. */
  readonly requestedBy: string | undefined;
  /** The application's frames when the outbound request or connection was made. */
  readonly stack: string | undefined;

  /** Undefined without a JS socket, and where its properties cannot be read. */
  readonly stream: StreamFacts | undefined;
  /** How the body or the connection is read; undefined where that cannot be seen. */
  readonly reading?: ReadingFacts | undefined;
  /** Outbound only: what made the connection or the request. */
  readonly client?: ClientFacts | undefined;
  /** Of the body or the connection, taken by the application so far: at least so many. Undefined where it cannot be known. */
  readonly takenBytes: number | undefined;
  /** Of the body: its content-length. */
  readonly declaredBytes: number | undefined;
  /** What holds it up: what it is piped to and waits for, as in `POST http://upstream:8080/items` or `a file`. */
  readonly waitsFor: string | undefined;
  /** When Node will end it by itself, in milliseconds from now. Undefined: nothing will, or it is not known. */
  readonly endsInMs: number | undefined;
  /** What will: the name of Node's time-out, or `nothing`. Undefined where the application's listeners decide, or it is not known. */
  readonly endedBy: 'requestTimeout' | 'keepAliveTimeout' | 'timeout' | 'nothing' | undefined;
  /** In the kernel's receive queue, without the FIN. */
  readonly unreadKernelBytes: number;
  /** In the streams above it, taken from the kernel and not by the application. */
  readonly unreadStreamBytes: number;
  /** Written and not acknowledged: the kernel's send queue and the stream's buffer. */
  readonly unsentBytes: number;
}
