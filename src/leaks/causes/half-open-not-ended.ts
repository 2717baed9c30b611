import type { LeakFacts } from '../facts.js';
import { howItEnded, capitalisedSubject, unsent } from '../phrases.js';
import type { Cause } from './cause.js';

export const halfOpenNotEnded: Cause<'half-open-not-ended'> = {
  name: 'half-open-not-ended',
  explanation: (facts) =>
    isLeftToClientErrorListener(facts)
      ? `${capitalisedSubject(facts)} sent something that is not HTTP and left; its server's 'clientError' listener did not close it${unsent(facts)}; ${howItEnded(facts)}.`
      : `${capitalisedSubject(facts)} was ${isUpgraded(facts) ? 'upgraded, ' : ''}read to its end and never ended on this side${unsent(facts)}; ${howItEnded(facts)}.`,
  fix: ({ endConnection, destroyConnection }, facts) =>
    isLeftToClientErrorListener(facts)
      ? `Call socket.destroy(error) in the 'clientError' listener on every path: with such a listener Node leaves the socket to it.`
      : `Call ${endConnection} in its 'end' handler (or ${destroyConnection}): an allowHalfOpen, upgraded, CONNECT or 'clientError' socket is not ended by Node.`,
  reproduction: { by: 'request', leavesAt: 'upgrade' },
  docs: 'docs/causes/half-open-not-ended.md',
};

/** http leaves a socket with a parse error to such a listener. */
function isLeftToClientErrorListener({ stream }: LeakFacts): boolean {
  return stream?.leftToClientErrorListener ?? false;
}

/** The request was an upgrade or CONNECT: the socket is the application's. */
function isUpgraded({ side, stream }: LeakFacts): boolean {
  return side === 'inbound' && stream?.http !== undefined && !stream.readByHttp;
}
