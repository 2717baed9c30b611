import type { LeakFacts } from '../facts.js';
import { howItEnded, capitalisedSubject, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const halfOpenNotEnded: Cause<'half-open-not-ended'> = {
  name: 'half-open-not-ended',
  explanation: (facts) => `${capitalisedSubject(facts)} ${whatHappened(facts)}${unsent(facts)}; ${howItEnded(facts)}.`,
  fix: ({ endConnection, destroyConnection }, facts) => {
    if (isLeftToClientErrorListener(facts))
      return `Call socket.destroy(error) in the 'clientError' listener on every path: with such a listener Node leaves the socket to it.`;
    if (isInServersHandshake(facts))
      return `Call ${destroyConnection} in the server's 'tlsClientError' listener ('clientError' of an https server) on every path: end() waits for the handshake, and for ever where that has failed.`;
    return `Call ${endConnection} in its 'end' handler (or ${destroyConnection}): an allowHalfOpen, upgraded, CONNECT or 'clientError' socket is not ended by Node.`;
  },
  reproduction: { by: 'request', leavesAt: 'upgrade' },
  docs: 'docs/causes/half-open-not-ended.md',
};

function whatHappened(facts: LeakFacts): string {
  if (isLeftToClientErrorListener(facts))
    return `sent something that is not HTTP and left; its server's 'clientError' listener did not close it`;
  const tls = facts.stream?.hiddenTls;
  if (tls?.inHandshake) return 'never finished its TLS handshake and was not ended on this side';
  // What came may still wait in a buffer of the TLS stream, which cannot be seen.
  if (tls) return 'carries TLS, which took all that came, and was never ended on this side';
  return `was ${isUpgraded(facts) ? 'upgraded, ' : ''}read to its end and never ended on this side`;
}

function isInServersHandshake({ side, stream }: LeakFacts): boolean {
  return side === 'inbound' && stream?.hiddenTls?.inHandshake === true;
}

/** http leaves a socket with a parse error to such a listener. */
function isLeftToClientErrorListener({ stream }: LeakFacts): boolean {
  return stream?.leftToClientErrorListener ?? false;
}

/** The request was an upgrade or CONNECT: the socket is the application's. */
function isUpgraded({ side, stream }: LeakFacts): boolean {
  return side === 'inbound' && stream?.http !== undefined && !stream.readByHttp;
}
