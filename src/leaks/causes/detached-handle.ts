import { howItEnded, capitalisedSubject, unread } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause } from './cause.js';

export const detachedHandle: Cause<'detached-handle'> = {
  name: 'detached-handle',
  explanation: (facts) =>
    `${capitalisedSubject(facts)} lost its JS socket, and its fd was left open${unread(facts)}; ${howItEnded(facts)}.`,
  fix: () => `Close the handle you took off the socket (handle.close()).`,
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/detached-handle.md',
};
