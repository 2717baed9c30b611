import type { LeakReason } from '../../base/vocabulary.js';
import type { LeakFacts } from '../facts.js';
import { capitalisedSubject, ending, taken, unread, waitsFor } from '../phrases.js';
import type { Cause, Reason } from './cause.js';

export const paused: Cause<'paused'> = {
  name: 'paused',
  reasons: reasons(),
  explanation: (facts) =>
    `${capitalisedSubject(facts)} ${facts.stream?.hiddenTls ? 'carries TLS that is paused or not read' : 'is paused and was not resumed'}${unread(facts)}; ${ending(facts)}.`,
  fix: ({ resumeConnection }) =>
    `Call ${resumeConnection} after every pause(), also when what it waits for fails or never comes.`,
  // A socket that http reads itself has http's own causes: this one was upgraded.
  reproduction: { by: 'request', leavesAt: 'upgrade', body: 'frame' },
  docs: 'docs/causes/paused.md',
};

function reasons(): readonly Reason[] {
  return [
    {
      name: 'websocket',
      // createWebSocketStream() pauses it when nobody reads the stream.
      applies: ({ stream }) => stream?.webSocket?.readerUnseen === true,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} waits for its stream to be read${unread(facts)}; ${ending(facts)}.`,
      fix: () => `Read the stream of createWebSocketStream() to its end, or give it up: duplex.destroy().`,
    },
    {
      name: 'websocket',
      applies: ({ stream }) => stream?.webSocket !== undefined,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} ${facts.stream?.webSocket?.paused ? 'is paused and was not resumed' : 'holds what nobody takes from it'}${unread(facts)}; ${ending(facts)}.`,
      fix: ({ resumeConnection, destroyConnection }, { stream }) =>
        stream?.webSocket?.paused
          ? `Call ${resumeConnection} after every ws.pause(), also when what it waits for fails or never comes.`
          : `Give up a WebSocket that is not read: ${destroyConnection}.`,
    },
    {
      name: 'paused-on-connect',
      applies: ({ stream }) => stream?.pausedOnConnect === true,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} was accepted paused (pauseOnConnect) and has not been resumed${unread(facts)}; ${ending(facts)}.`,
      fix: ({ resumeConnection, destroyConnection }) =>
        `Call ${resumeConnection} on every connection that pauseOnConnect has paused, or ${destroyConnection} where nobody takes it.`,
    },
    {
      name: 'destination-stalled',
      applies: isRead('destination-stalled'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)}${hasRead(facts)} ${waitsFor(facts)}${unread(facts)}; ${ending(facts)}.`,
      fix: ({ limitConnection }) =>
        `Let what it is piped to take it (call its callback, read it), or give up on it after a time-out: ${limitConnection}.`,
    },
    {
      name: 'destination-failed',
      applies: isRead('destination-failed'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has no reader any more${taken(facts) === '' ? '' : ` (${taken(facts)} taken)`}: what it was piped to has failed, or it was paused${unread(facts)}; ${ending(facts)}.`,
      // From Node 24 on pipeline() throws where its destination has closed before.
      fix: ({ resumeConnection, destroyConnection }) =>
        `Use pipeline(socket, destination, callback) in place of pipe(), or ${destroyConnection} where the destination has closed already; after a pause() ${resumeConnection}.`,
    },
    {
      name: 'iterator-stopped',
      applies: isRead('iterator-stopped'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} is read by a for await loop that asks for no more${unread(facts)}; ${ending(facts)}.`,
      fix: ({ limitConnection }) => `Limit the time that the body of the loop may wait: ${limitConnection}.`,
    },
    {
      name: 'readable-left',
      applies: isRead('readable-left'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has a 'readable' listener that leaves bytes in it${unread(facts)}; ${ending(facts)}.`,
      fix: () => `Call socket.read() in the 'readable' listener until it returns null.`,
    },
    {
      name: 'paused-by-reader',
      applies: isRead('paused-by-reader'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} was paused${taken(facts) === '' ? '' : ` after ${taken(facts)}`} and not resumed${unread(facts)}; ${ending(facts)}.`,
      fix: ({ resumeConnection }) =>
        `Call ${resumeConnection} after every pause(), also when what it waits for fails or never comes.`,
    },
  ];
}

/** Nothing that TLS hides can be told by the listeners of the socket below. */
function isRead(how: LeakReason): Reason['applies'] {
  return ({ stream, reading }) => reading?.how === how && !stream?.hiddenTls;
}

function hasRead(facts: LeakFacts): string {
  return taken(facts) === '' ? '' : ` was read (${taken(facts)}) and`;
}
