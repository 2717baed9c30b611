import type { LeakFacts } from '../facts.js';
import { capitalisedSubject, ending, unread, unsent } from '../phrases.js';
import type { Cause, Reason } from './cause.js';

export const halfOpenNotEnded: Cause<'half-open-not-ended'> = {
  name: 'half-open-not-ended',
  reasons: reasons(),
  explanation: (facts) =>
    `${capitalisedSubject(facts)} was read to its end and never ended on this side${unsent(facts)}; ${ending(facts)}.`,
  fix: ({ endConnection }) => `Call ${endConnection} in its 'end' listener.`,
  reproduction: { by: 'request', leavesAt: 'upgrade' },
  docs: 'docs/causes/half-open-not-ended.md',
};

function reasons(): readonly Reason[] {
  return [
    {
      name: 'client-error-listener',
      applies: ({ stream }) => stream?.leftToClientErrorListener ?? false,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} sent an incomplete or invalid request, and the server's 'clientError' listener did not close the socket; ${ending(facts)}.`,
      fix: ({ clientErrorListener }) => `Call socket.destroy(error) in ${clientErrorListener}, on every path.`,
      reproduction: { by: 'half-head' },
    },
    {
      name: 'handshake-not-ended',
      applies: ({ stream }) => stream?.hiddenTls?.inHandshake === true || stream?.secureConnecting === true,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} never finished its TLS handshake and was not closed on this side; ${ending(facts)}.`,
      // end() waits for the handshake, and for ever where that has failed.
      fix: ({ destroyConnection }, { side }) =>
        side === 'inbound'
          ? `Call ${destroyConnection}, not end(), in the server's 'tlsClientError' listener ('clientError' of an https server), which is called after handshakeTimeout, 120 s where it is not set.`
          : `Call ${destroyConnection}, not end(), when the handshake takes too long.`,
      reproduction: { by: 'nothing', because: 'its TLS handshake had not ended, and hangUp() ends it first' },
    },
    {
      name: 'upgrade-not-answered',
      applies: (facts) => isUpgraded(facts) && facts.stream?.written === false,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} asked for ${wish(facts)} and has had no answer${unread(facts)}; ${ending(facts)}.`,
      fix: ({ destroyConnection }, facts) =>
        `Call ${destroyConnection} in the '${event(facts)}' listener on every path that does not take the connection over, also when what it waits for never comes.`,
    },
    {
      name: 'upgrade-not-ended',
      applies: isUpgraded,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} asked for ${wish(facts)}, was answered${unsent(facts)} and read to its end, and was never ended on this side; ${ending(facts)}.`,
      fix: ({ endConnection }, facts) =>
        `Call ${endConnection} in the socket's 'end' listener: http does not end a socket that it gave to '${event(facts)}'.`,
    },
    {
      name: 'allow-half-open',
      applies: ({ stream }) => stream?.allowHalfOpen === true && stream.hiddenTls === undefined,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} was read to its end and never ended on this side${unsent(facts)}, which allowHalfOpen: true leaves to the application; ${ending(facts)}.`,
      fix: ({ endConnection }) => `Call ${endConnection} in the socket's 'end' listener.`,
    },
    {
      name: 'tls-not-ended',
      applies: ({ stream }) => stream?.hiddenTls !== undefined,
      // What came may still wait in a buffer of the TLS stream, which cannot be seen.
      explanation: (facts) =>
        `${capitalisedSubject(facts)} carries TLS, which has taken all that came, and was never ended on this side; ${ending(facts)}.`,
      fix: ({ endConnection }) => `Read the TLS socket to its end, and call ${endConnection} in its 'end' listener.`,
      reproduction: {
        by: 'nothing',
        because: 'its TLS began on a connection that spoke something else first, and the report does not say what',
      },
    },
  ];
}

/** The request was an upgrade or CONNECT: the socket is the application's. */
function isUpgraded({ side, stream }: LeakFacts): boolean {
  return side === 'inbound' && stream?.http !== undefined && !stream.readByHttp;
}

function wish({ method }: LeakFacts): string {
  return method === 'CONNECT' ? 'a tunnel' : 'an upgrade';
}

/** Which http emits for it. */
function event({ method }: LeakFacts): string {
  return method === 'CONNECT' ? 'connect' : 'upgrade';
}
