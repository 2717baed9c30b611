import type { LeakFacts } from '../facts.js';
import { ending, subject, unread, waitsFor } from '../phrases.js';
import { LEAVES_AFTER_REQUEST, type Cause, type Reason } from './cause.js';

const reasons: readonly Reason[] = [
  {
    name: 'not-touched',
    applies: isRead('not-touched'),
    explanation: (facts) => sentence(facts, 'was not read: nobody has touched its body'),
    fix: ({ discardResponseBody }) => giveUp(discardResponseBody),
  },
  {
    name: 'paused-by-reader',
    applies: isRead('paused-by-reader'),
    explanation: (facts) => sentence(facts, 'was paused and not resumed'),
    fix: ({ responseBody, destroyResponseBody }) =>
      `Resume ${responseBody} after every pause(), and give it up when nobody will: ${destroyResponseBody}.`,
  },
  {
    name: 'readable-left',
    applies: isRead('readable-left'),
    explanation: (facts) => sentence(facts, `has a 'readable' listener that left bytes unread`),
    fix: ({ responseBody, destroyResponseBody }) =>
      `Call read() of ${responseBody} until it returns null, and give it up when nobody will: ${destroyResponseBody}.`,
  },
  {
    name: 'iterator-stopped',
    applies: isRead('iterator-stopped'),
    explanation: (facts) =>
      facts.client?.library === 'fetch'
        ? sentence(facts, 'was read in part, and may still be read: its reader cannot be seen')
        : sentence(facts, 'was read in part, by a loop that has asked for no more'),
    fix: ({ responseBody, discardResponseBody }, { client }) =>
      client?.library === 'fetch'
        ? `Read ${responseBody} to its end, or give it up on every path that stops: ${discardResponseBody}.`
        : `Leave the loop over ${responseBody} by break, return or throw, and put a time-out on what it awaits.`,
  },
  {
    name: 'destination-stalled',
    applies: isRead('destination-stalled'),
    explanation: (facts) => sentence(facts, waitsFor(facts)),
    fix: ({ destroyResponseBody, pipeResponseBody }, { reading }) =>
      reading?.waitsFor?.kind === 'response'
        ? `End a client that takes nothing (its response's setTimeout() and destroy()), and the download with it: ${pipeResponseBody}.`
        : `Let what it is written to take it (call its callback, read it), or give it up after a time-out: ${destroyResponseBody}.`,
  },
  {
    name: 'destination-failed',
    applies: isRead('destination-failed'),
    explanation: (facts) =>
      sentence(
        facts,
        `${facts.reading?.didRead === false ? '' : 'was read in part and '}lost its reader: what it was piped to has closed, the pipe was taken off, or it was paused`,
      ),
    // From Node 24 on pipeline() throws where its destination has closed before.
    fix: ({ pipeResponseBody, destroyResponseBody }) =>
      `Give it up when its destination closes: ${pipeResponseBody}, or ${destroyResponseBody} where it has closed already.`,
  },
];

export const responseBodyNotRead: Cause<'response-body-not-read'> = {
  name: 'response-body-not-read',
  reasons,
  explanation: (facts) => sentence(facts, 'was never read to its end'),
  fix: ({ discardResponseBody }) => giveUp(discardResponseBody),
  reproduction: LEAVES_AFTER_REQUEST,
  docs: 'docs/causes/response-body-not-read.md',
};

function isRead(how: NonNullable<LeakFacts['reading']>['how']): Reason['applies'] {
  return ({ reading }) => reading?.how === how;
}

function giveUp(how: string): string {
  return `Read every response to its end, or give it up where it is not wanted: ${how}.`;
}

function sentence(facts: LeakFacts, what: string): string {
  return `The ${statusOf(facts)}response of ${subject(facts)}${askedBy(facts)} ${what}${unread(facts)}; ${ending(facts)}.`;
}

/** One that says where in the code it was left: a redirect, an error that was thrown. */
function statusOf({ client }: LeakFacts): string {
  const status = client?.status ?? 0;
  return status >= 300 ? `${status} ` : '';
}

/** The inbound request whose handler made it, and the first frame of the application's stack then. */
function askedBy({ requestedBy, stack }: LeakFacts): string {
  const who = requestedBy === undefined ? '' : `, asked for by ${requestedBy}`;
  return `${who}${stack === undefined ? '' : ` (${stack.split('\n', 1)[0]!})`}${who === '' ? '' : ','}`;
}
