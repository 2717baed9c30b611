// Facts of no socket in particular: whatever they are, the diagnosis answers, always the same, and with nothing that they do not show.
import { Violation } from './seats.mjs';

const HIDDEN = { reading: false, inHandshake: false, endsItself: false };
const HTTP = { role: 'server', bodyComplete: false, responding: false, responseEnded: false, needsDrain: false };
const STREAM = {
  readableFlowing: null,
  readableEnded: false,
  endBuffered: false,
  hasReadableListener: false,
  hasReader: false,
  writableEnded: false,
  written: false,
  secureConnecting: false,
  pausedByPipelining: false,
  readByHttp: false,
  hiddenTls: undefined,
  http: undefined,
  webSocket: undefined,
};
const FACTS = {
  kind: 'close-wait',
  side: 'inbound',
  ageMs: 0,
  heldBy: 'socket',
  stream: undefined,
  unreadKernelBytes: 0,
  unreadStreamBytes: 0,
  unsentBytes: 0,
};
const HOLDERS = ['other-process', 'lost-socket', 'unknown'];
const CAUSE_OF_HOLDER = {
  'other-process': 'held-by-another-process',
  'lost-socket': 'detached-handle',
  unknown: 'not-owned-by-this-thread',
};

/** Writes the facts that these bits say into FACTS, which is used again and again. */
function write(bits, more) {
  const is = (bit) => (bits & (1 << bit)) !== 0;
  Object.assign(HIDDEN, { reading: is(0), inHandshake: is(1), endsItself: is(2) });
  HTTP.role = is(3) ? 'server' : 'client';
  HTTP.bodyComplete = is(4);
  HTTP.responding = is(5);
  HTTP.responseEnded = is(6);
  HTTP.needsDrain = is(7);
  STREAM.readableFlowing = [null, false, true, true][(bits >>> 8) & 3];
  STREAM.readableEnded = is(10);
  STREAM.endBuffered = is(10) || is(11);
  STREAM.hasReadableListener = is(12);
  STREAM.hasReader = is(13);
  STREAM.writableEnded = is(14);
  STREAM.written = is(15);
  STREAM.secureConnecting = is(16);
  STREAM.pausedByPipelining = is(17) && is(18);
  STREAM.readByHttp = is(19);
  STREAM.hiddenTls = (bits & 0x700000) === 0 ? HIDDEN : undefined;
  STREAM.http = is(23) ? HTTP : undefined;
  STREAM.webSocket = (bits & 0x7000000) === 0 ? { paused: false, readerUnseen: false } : undefined;
  FACTS.unsentBytes = is(27) ? 9 : 0;
  FACTS.unreadKernelBytes = is(28) ? 5 : 0;
  FACTS.unreadStreamBytes = is(29) ? 3 : 0;
  FACTS.side = STREAM.http?.role === 'client' ? 'outbound' : is(30) ? 'inbound' : 'outbound';
  FACTS.heldBy = (more & 15) < 3 ? HOLDERS[more & 3] : 'socket';
  FACTS.stream = (more & 0xf0) === 0 ? undefined : STREAM;
}

/** Whether the facts show what the cause says. */
const SHOWN = {
  'held-by-another-process': () => FACTS.heldBy === 'other-process',
  'detached-handle': () => FACTS.heldBy === 'lost-socket',
  'not-owned-by-this-thread': () => FACTS.heldBy === 'unknown',
  'write-stalled': () =>
    FACTS.unsentBytes > 0 &&
    ((isReadToItsEnd() && !STREAM.secureConnecting) || http()?.responding || http()?.needsDrain),
  'pipelined-behind-pending-response': () => STREAM.pausedByPipelining && !STREAM.webSocket,
  'response-body-not-read': () => http()?.role === 'client' && HTTP.responding && !HTTP.bodyComplete,
  'response-not-ended': () => http()?.role === 'server' && HTTP.responding && !HTTP.responseEnded && HTTP.bodyComplete,
  'request-body-not-read': () => http()?.role === 'server' && HTTP.responding && !HTTP.bodyComplete,
  'request-body-abandoned': () => http()?.role === 'server' && !HTTP.responding && STREAM.readByHttp && isBodyLeft(),
  'never-read': () => STREAM.readableFlowing === null && !STREAM.hasReadableListener && !STREAM.readableEnded,
  paused: () => STREAM.hiddenTls !== undefined || (STREAM.readableFlowing === false && !STREAM.readableEnded),
  'half-open-not-ended': () =>
    STREAM.hiddenTls !== undefined ||
    STREAM.secureConnecting ||
    isUntaken() ||
    (isReadToItsEnd() && !STREAM.writableEnded),
  unknown: () => true,
};

const http = () => (STREAM.webSocket ? undefined : STREAM.http);
const isReadToItsEnd = () => STREAM.readableEnded || STREAM.endBuffered;
const isUntaken = () => STREAM.http !== undefined && FACTS.side === 'inbound' && !STREAM.written && !STREAM.hasReader;
const isBodyLeft = () =>
  !HTTP.bodyComplete ||
  FACTS.unreadKernelBytes + FACTS.unreadStreamBytes > 0 ||
  STREAM.endBuffered !== STREAM.readableEnded;

/** Where the facts leave no choice, the one cause. */
function onlyCause() {
  if (FACTS.heldBy !== 'socket') return CAUSE_OF_HOLDER[FACTS.heldBy];
  if (FACTS.stream === undefined) return 'unknown';
  const carried = http();
  if (carried === undefined) return onlyCauseOfStream();
  if (STREAM.pausedByPipelining) return undefined;
  const waits = FACTS.unsentBytes > 0 && HTTP.needsDrain;
  if (carried.role === 'client')
    return HTTP.responding && !HTTP.bodyComplete && !waits ? 'response-body-not-read' : undefined;
  if (HTTP.responding && FACTS.unsentBytes > 0 && (HTTP.responseEnded || (HTTP.bodyComplete && HTTP.needsDrain)))
    return 'write-stalled';
  if (HTTP.responding && !HTTP.responseEnded) return HTTP.bodyComplete ? 'response-not-ended' : 'request-body-not-read';
  if (!HTTP.responding && STREAM.readByHttp && isBodyLeft()) return 'request-body-abandoned';
  return undefined;
}

function onlyCauseOfStream() {
  if (STREAM.http !== undefined || STREAM.hiddenTls || STREAM.pausedByPipelining) return undefined;
  // What was written waits for a handshake that cannot end any more.
  if (STREAM.readableEnded && (!STREAM.writableEnded || STREAM.secureConnecting)) return 'half-open-not-ended';
  if (STREAM.readableEnded && FACTS.unsentBytes > 0) return 'write-stalled';
  if (STREAM.readableEnded || (STREAM.endBuffered && STREAM.readableFlowing === true)) return undefined;
  if (STREAM.readableFlowing === false) return 'paused';
  if (STREAM.readableFlowing === null && !STREAM.hasReadableListener && !STREAM.secureConnecting) return 'never-read';
  return undefined;
}

/** @throws Violation */
export function checkDiagnosis({ diagnose, LEAK_CAUSES }, bits, more) {
  write(bits, more);
  const cause = diagnose(FACTS);
  if (!LEAK_CAUSES.includes(cause)) fail(`the diagnosis is ${cause}, which is no cause`);
  if (diagnose(FACTS) !== cause) fail(`the same facts are ${cause} first and another cause then`);
  if (!SHOWN[cause]()) fail(`the diagnosis is ${cause}, which the facts do not show`);
  const only = onlyCause();
  if (only !== undefined && only !== cause) fail(`the facts are those of ${only}, and the diagnosis is ${cause}`);
  FACTS.kind = more < 0 ? 'reset' : 'stalled';
  FACTS.ageMs = more;
  const again = diagnose(FACTS);
  FACTS.kind = 'close-wait';
  if (again !== cause)
    fail(`the cause is ${cause} of a half-closed socket, and ${again} of another one with the same facts`);
}

function fail(sentence) {
  throw new Violation(`${sentence}: ${JSON.stringify(FACTS)}`);
}
