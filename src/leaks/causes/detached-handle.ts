import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import { processName } from '../processes.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const detachedHandle: Cause<'detached-handle'> = {
  name: 'detached-handle',
  explanation: (facts) => {
    const { transferred } = facts;
    const what = transferred
      ? `was sent to ${processName(transferred.process)}, which has not taken it, and its fd is still open here`
      : 'lost its JS socket, and its fd was left open';
    return `${capitalisedSubject(facts)} ${what}${unread(facts)}; ${howItEnded(facts)}.`;
  },
  fix: ({ destroyConnection }, { transferred }) =>
    transferred
      ? `Find what blocks the event loop of ${processName(transferred.process)}, or end it; send with child.send(message, socket, { keepOpen: true }, () => ${destroyConnection}), so that none of what it never takes stays open here.`
      : `Close the handle you took off the socket (handle.close()).`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/detached-handle.md',
};
