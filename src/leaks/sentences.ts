import type { LeakCause, LeakKind } from '../base/vocabulary.js';
import type { Side } from '../base/vocabulary.js';

/** What a report's two sentences are made of. */
export interface Circumstances {
  readonly kind: LeakKind;
  readonly side: Side;
  readonly server: string | undefined;
  readonly method: string | undefined;
  readonly route: string | undefined;
  readonly destination: string | undefined;
  readonly peer: string | undefined;
  readonly ageMs: number;
  readonly idleMs: number;
  readonly unreadKernelBytes: number;
  readonly unreadStreamBytes: number;
  readonly unsentBytes: number;
  readonly contentLength: number | undefined;
  readonly answerStarted: boolean;
  /** A RST or a time-out ended the connection. */
  readonly aborted: boolean;
  /** The inbound request that asked for an outbound one, as in `POST /checkout`. */
  readonly requestedBy: string | undefined;
  /** First frame of the application's stack when an outbound request was made. */
  readonly openedAt: string | undefined;
  /** The request was an upgrade or CONNECT: the socket is the application's. */
  readonly upgraded: boolean;
  /** The server has a 'clientError' listener, which http leaves a socket with a parse error to. */
  readonly leftToClientErrorListener: boolean;
  /** The process that holds the socket, when it is another one and /proc shows it. */
  readonly pid: number | undefined;
  readonly fd: number;
}

interface Sentences {
  readonly explanation: string;
  readonly fix: string;
}

type Writer = (c: Circumstances) => Sentences;

/** The explanation says what is true of this socket; the fix says what to write. */
export function sentencesFor(cause: LeakCause, circumstances: Circumstances): Sentences {
  return WRITERS[cause](circumstances);
}

const WRITERS: Readonly<Record<LeakCause, Writer>> = {
  'never-read': (c) => ({
    explanation: `Nothing ever read ${subject(c)}: it has no 'data' or 'readable' listener, no pipe and no iterator${waiting(c)}; ${departure(c)}.`,
    fix: `Read the socket, or call socket.resume() to discard what it sends; call socket.destroy() if the connection is not wanted.`,
  }),
  paused: (c) => ({
    explanation: `${capital(subject(c))} is paused and was not resumed${waiting(c)}; ${departure(c)}.`,
    fix: `Call socket.resume() after every pause(), and socket.destroy() when nobody will; use stream.pipeline() where pipe() can lose its destination.`,
  }),
  'half-open-not-ended': (c) =>
    c.leftToClientErrorListener
      ? {
          explanation: `${capital(subject(c))} sent something that is not HTTP and left; its server's 'clientError' listener did not close it${unsent(c)}; ${departure(c)}.`,
          fix: `Call socket.destroy(error) in the 'clientError' listener on every path: with such a listener Node leaves the socket to it.`,
        }
      : {
          explanation: `${capital(subject(c))} was ${c.upgraded ? 'upgraded, ' : ''}read to its end and never ended on this side${unsent(c)}; ${departure(c)}.`,
          fix: `Call socket.end() in its 'end' handler (or socket.destroy()): an allowHalfOpen, upgraded, CONNECT or 'clientError' socket is not ended by Node.`,
        },
  'request-body-not-read': (c) => ({
    explanation: `${capital(subject(c))} has not read its request body${bodyLeft(c)} and ${c.answerStarted ? 'has not ended its answer' : 'has not answered'}; ${departure(c)}.`,
    fix: `Read the body (request.raw.resume() discards it), or end the reply: either lets Node see that the client has gone and close the socket.`,
  }),
  'response-body-not-read': (c) => ({
    explanation: `The response of ${subject(c)}${askedBy(c)} was never read to its end${waiting(c)}; ${departure(c)}.`,
    fix: `Consume every response: response.resume() with node:http, await response.body.cancel() with fetch, await body.dump() with undici.`,
  }),
  'response-not-ended': (c) => ({
    explanation: `${capital(subject(c))} has ${c.answerStarted ? 'not ended its answer' : 'not answered'}${unsent(c)}; ${departure(c)}.`,
    fix: `End the response on every path, also when the request is aborted ('close' on the request tells).`,
  }),
  'request-body-abandoned': (c) => ({
    explanation: `${capital(subject(c))} was answered while its request body was abandoned half read${waiting(c)}; ${departure(c)}.`,
    fix: `Reply with Connection: close, or read the rest of the body (request.raw.resume()), when a body's pipeline fails.`,
  }),
  'pipelined-behind-pending-response': (c) => ({
    explanation: `${capital(subject(c))} holds back the answers of later requests on the same connection${unsent(c)}; ${departure(c)}.`,
    fix: `End the first response on every path; those behind it are sent and the socket closes.`,
  }),
  'write-stalled': (c) => ({
    explanation: `${capital(subject(c))} was ended with bytes that the peer does not take${unsent(c)}; ${departure(c)}.`,
    fix: `Give up on a peer that stopped reading: socket.setTimeout(ms, () => socket.destroy()).`,
  }),
  'detached-handle': (c) => ({
    explanation: `${capital(subject(c))} lost its JS socket, and its fd was left open${waiting(c)}; ${departure(c)}.`,
    fix: `Close the handle you took off the socket (handle.close()).`,
  }),
  'not-owned-by-this-thread': (c) => ({
    explanation: `${capital(subject(c))} belongs to no JS socket of this thread${waiting(c)}; ${departure(c)}.`,
    fix: `Look in worker threads and native addons; a guard in the worker names the socket.`,
  }),
  'held-by-another-process': (c) => ({
    explanation: `${capital(subject(c))} is closed here and still open in ${c.pid === undefined ? 'another process' : `process ${c.pid}`}${waiting(c)}; ${departure(c)}.`,
    fix: `Close it in the process that holds it; a socket given to a child as stdio or with child.send(…, { keepOpen: true }) stays open there.`,
  }),
  unknown: (c) => ({
    explanation: `${capital(subject(c))} is still open in this process${waiting(c)}${unsent(c)}; ${departure(c)}.`,
    fix: `Destroy the socket when its peer leaves: socket.destroy() in its 'end', 'close' or time-out handling.`,
  }),
};

function subject({ side, server, method, route, destination, peer, fd }: Circumstances): string {
  const request = [method, route].filter(Boolean).join(' ');
  if (side === 'outbound')
    return method
      ? `${method} ${destination ?? 'an outbound request'}`
      : `the connection to ${destination ?? peer ?? 'its peer'}`;
  if (request) return `${request}${server === undefined ? '' : ` (${server})`}`;
  if (side === 'inbound')
    return `the connection${server === undefined ? '' : ` to ${server}`}${peer === undefined ? '' : ` from ${peer}`}`;
  const held = fd < 0 ? '' : ` (fd ${fd})`;
  return `the connection with ${peer ?? 'an unknown peer'}${held}`;
}

function departure({ kind, side, ageMs, idleMs, aborted }: Circumstances): string {
  const peer = side === 'outbound' ? 'the server' : side === 'inbound' ? 'the client' : 'the peer';
  const ago = `${duration(ageMs)} ago`;
  if (kind === 'stalled')
    return `the receive window has been full for ${duration(ageMs)}, and behind it no FIN of ${peer} can arrive`;
  if (kind === 'close-wait') return `${peer} left ${ago}`;
  // A change of state is progress: one that came after the peer had left shows as a shorter idle time.
  if (idleMs < ageMs)
    return `${peer} left ${ago}, and the connection has been ${aborted ? 'reset' : 'closed by both ends'} since`;
  return aborted
    ? `the connection was reset ${ago}`
    : `both ends have closed the connection ${ago} and only the fd is left`;
}

function askedBy({ requestedBy, openedAt }: Circumstances): string {
  const who = requestedBy === undefined ? '' : `, asked for by ${requestedBy}`;
  return `${who}${openedAt === undefined ? '' : ` (${openedAt})`}${who === '' ? '' : ','}`;
}

function waiting({ unreadKernelBytes, unreadStreamBytes }: Circumstances): string {
  const total = unreadKernelBytes + unreadStreamBytes;
  return total > 0 ? ` (${bytes(total)} unread)` : '';
}

function bodyLeft(c: Circumstances): string {
  if (c.contentLength === undefined) return waiting(c);
  const unread = c.unreadKernelBytes + c.unreadStreamBytes;
  return ` (${bytes(c.contentLength)} declared, ${grouped(unread)} unread)`;
}

function unsent({ unsentBytes }: Circumstances): string {
  return unsentBytes > 0 ? ` (${bytes(unsentBytes)} not delivered)` : '';
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function bytes(count: number): string {
  return `${grouped(count)} ${count === 1 ? 'byte' : 'bytes'}`;
}

/** As in `8,388,608`. toLocaleString() costs ten times as much, and looks its locale up in a table that need not be there. */
function grouped(count: number): string {
  const digits = String(Math.round(count));
  let text = digits.slice(-3);
  for (let end = digits.length - 3; end > 0; end -= 3) text = `${digits.slice(Math.max(0, end - 3), end)},${text}`;
  return text;
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
