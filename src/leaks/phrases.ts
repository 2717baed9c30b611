import type { Endpoints } from '../kernel/endpoints.js';
import type { LeakFacts } from './facts.js';
import { transferred } from './processes.js';

/** What the sentence is about: the request where one is known, else the connection. */
export function subject(facts: LeakFacts): string {
  const { side, server, method, route, destination, endpoints, fd, stream } = facts;
  const elsewhere = transferred(facts);
  const request = [method, route].filter(Boolean).join(' ');
  const peer = peerOf(endpoints);
  if (stream?.webSocket && side === 'outbound') return `the WebSocket to ${destination ?? peer ?? 'its peer'}`;
  if (facts.client?.tunnelTo !== undefined) return tunnel(facts.client.tunnelTo, facts);
  if (side === 'outbound')
    return method
      ? `${method} ${destination ?? 'an outbound request'}`
      : `the connection to ${destination ?? peer ?? 'its peer'}`;
  if (request)
    return `${stream?.webSocket ? 'the WebSocket of ' : ''}${request}${server === undefined ? '' : ` (${server})`}${elsewhere && ` on a connection${elsewhere}`}`;
  if (side === 'inbound')
    return `the connection${server === undefined ? '' : ` to ${server}`}${peer === undefined ? '' : ` from ${peer}`}${elsewhere}`;
  const held = fd < 0 ? '' : ` (fd ${fd})`;
  return `the connection with ${peer ?? 'an unknown peer'}${held}`;
}

/** The application has it since the proxy answered. */
function tunnel(target: string, { client, destination, endpoints }: LeakFacts): string {
  const answered = client?.status === undefined ? '' : ` (answered ${client.status})`;
  return `the socket of the CONNECT to ${destination ?? peerOf(endpoints) ?? 'its proxy'} for ${target}${answered}`;
}

/** The subject as the first words of a sentence. */
export function capitalisedSubject(facts: LeakFacts): string {
  return capital(subject(facts));
}

/** Who closed the connection, and when. */
export function howItEnded({ kind, side, ageMs, idleMs, aborted }: LeakFacts): string {
  const peer = side === 'outbound' ? 'the server' : side === 'inbound' ? 'the client' : 'the peer';
  const ago = `${duration(ageMs)} ago`;
  if (kind === 'stalled')
    return `the receive window has been full for ${duration(ageMs)}, and behind it no FIN of ${peer} can arrive`;
  if (kind === 'close-wait') return `${peer} left ${ago}`;
  // A change of state is progress: one that came after the FIN shows as a shorter idle time.
  if (idleMs < ageMs)
    return `${peer} left ${ago}, and the connection has been ${aborted ? 'reset' : 'closed by both ends'} since`;
  return aborted
    ? `the connection was reset ${ago}`
    : `both ends have closed the connection ${ago} and only the fd is left`;
}

/** The end of a sentence: who closed the connection, when, and what will end it. */
export function ending(facts: LeakFacts): string {
  const end = whatEnds(facts);
  return end === '' ? howItEnded(facts) : `${howItEnded(facts)}${facts.kind === 'close-wait' ? ', and ' : '; '}${end}`;
}

function whatEnds({ endedBy, endsInMs = 0 }: LeakFacts): string {
  if (endedBy === undefined) return '';
  if (endedBy === 'nothing') return 'no time-out of Node ends it';
  const name = endedBy === 'timeout' ? 'socket time-out' : endedBy;
  return `Node ends it within ${duration(Math.max(1_000, endsInMs))} (${name})`;
}

/** `3 of 9 bytes` of a body, or `3 bytes` of what declares no length; empty where it is not known. */
export function taken({ takenBytes, declaredBytes }: LeakFacts): string {
  if (takenBytes === undefined) return '';
  return declaredBytes === undefined ? bytes(takenBytes) : `${grouped(takenBytes)} of ${bytes(declaredBytes)}`;
}

/** Whom it waits for, where what it is piped to takes no more. */
export function waitsFor({ waitsFor }: LeakFacts): string {
  return `waits for ${waitsFor ?? 'what it is piped to'}, which takes no more`;
}

export function unreadBytes({
  unreadKernelBytes,
  unreadStreamBytes,
}: Pick<LeakFacts, 'unreadKernelBytes' | 'unreadStreamBytes'>): number {
  return unreadKernelBytes + unreadStreamBytes;
}

/** In parentheses, with a space before them; empty when everything was read. Plain bytes and encrypted ones do not add up. */
export function unread(facts: LeakFacts): string {
  const { stream, unreadStreamBytes, unreadKernelBytes } = facts;
  if (stream?.encrypted && unreadKernelBytes > 0)
    return unreadStreamBytes > 0
      ? ` (at least ${bytes(unreadStreamBytes)} unread)`
      : ` (${bytes(unreadKernelBytes)} of TLS unread)`;
  const count = unreadBytes(facts);
  return count > 0 ? ` (${bytes(count)} unread)` : '';
}

/** In parentheses, with a space before them; empty when everything was delivered. */
export function unsent({ unsentBytes }: LeakFacts): string {
  return unsentBytes > 0 ? ` (${bytes(unsentBytes)} not delivered)` : '';
}

/** `host:port`, as it stands in a URL. */
export function hostPort(host: string, port: number | undefined): string {
  const text = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? text : `${text}:${port}`;
}

export function peerOf({ remoteAddress, remotePort }: Endpoints): string | undefined {
  return remoteAddress === undefined ? undefined : hostPort(remoteAddress, remotePort);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function bytes(count: number): string {
  return `${grouped(count)} ${count === 1 ? 'byte' : 'bytes'}`;
}

/** As in `8,388,608`. toLocaleString() takes ten times as long, and needs locale data that a small build of Node has not. */
export function grouped(count: number): string {
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
