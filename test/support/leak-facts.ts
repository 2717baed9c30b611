import type { HttpFacts, StreamFacts } from '../../src/layers/facts.js';
import type { LeakFacts } from '../../src/leaks/facts.js';

/** Facts as they are made up in tables: what is given, and the rest as of a half-closed socket that a net.Server accepted. */
export interface FactsChange extends Partial<Omit<LeakFacts, 'stream'>> {
  readonly stream?: Partial<Omit<StreamFacts, 'http'>>;
  /** Left out: it carries no HTTP. */
  readonly http?: Partial<HttpFacts>;
}

const STREAM: Omit<StreamFacts, 'http'> = {
  readableFlowing: true,
  readableEnded: false,
  endBuffered: false,
  hasReadableListener: false,
  hasReader: true,
  writableEnded: false,
  writableLength: 0,
  written: true,
  takenBytes: undefined,
  allowHalfOpen: false,
  pausedOnConnect: false,
  secureConnecting: false,
  encrypted: false,
  pausedByPipelining: false,
  readByHttp: false,
  leftToClientErrorListener: false,
  hiddenTls: undefined,
};

/** A server that has read its request and has not answered. */
const HTTP: HttpFacts = {
  role: 'server',
  method: 'POST',
  url: '/',
  route: undefined,
  base: undefined,
  bodyComplete: true,
  contentLength: undefined,
  responding: true,
  responseStarted: false,
  responseEnded: false,
};

const FACTS: Omit<LeakFacts, 'stream'> = {
  cookie: 77n,
  fd: 23,
  kind: 'close-wait',
  side: 'inbound',
  state: 'CLOSE_WAIT',
  aborted: false,
  ageMs: 61_400,
  idleMs: 61_400,
  heldBy: 'socket',
  holder: undefined,
  transferred: undefined,
  endpoints: { localAddress: '10.0.0.1', localPort: 4025, remoteAddress: '10.0.0.7', remotePort: 51_000 },
  server: 'net:4025',
  method: undefined,
  route: undefined,
  path: undefined,
  registeredAt: undefined,
  routeLabel: undefined,
  routeAllowsReclaim: true,
  framework: undefined,
  destination: undefined,
  requestedBy: undefined,
  stack: undefined,
  takenBytes: undefined,
  declaredBytes: undefined,
  waitsFor: undefined,
  endsInMs: undefined,
  endedBy: undefined,
  unreadKernelBytes: 0,
  unreadStreamBytes: 0,
  unsentBytes: 0,
};

export function leakFacts({ stream, http, ...change }: FactsChange = {}): LeakFacts {
  return { ...FACTS, ...change, stream: { ...STREAM, ...stream, http: http && { ...HTTP, ...http } } };
}

export const NO_PEER: LeakFacts['endpoints'] = {
  ...FACTS.endpoints,
  remoteAddress: undefined,
  remotePort: undefined,
};
