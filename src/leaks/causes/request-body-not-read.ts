import type { ApiWords } from '../../apis/words.js';
import type { LeakReason } from '../../base/vocabulary.js';
import type { LeakFacts } from '../facts.js';
import { capitalisedSubject, ending, taken, unread, waitsFor } from '../phrases.js';
import type { Cause, Reason } from './cause.js';

export const requestBodyNotRead: Cause<'request-body-not-read'> = {
  name: 'request-body-not-read',
  reasons: reasons(),
  explanation: (facts) =>
    `${capitalisedSubject(facts)} has not read its request body to the end${unread(facts)} and ${openResponse(facts)}; ${ending(facts)}.`,
  fix: ({ destroyResponse }) => `When the handler gives up on a body, or waits for too long: ${destroyResponse}.`,
  reproduction: { by: 'request', leavesAt: 'request', body: 'unread' },
  docs: 'docs/causes/request-body-not-read.md',
};

function reasons(): readonly Reason[] {
  return [
    {
      name: 'client-error-listener',
      applies: ({ stream }) => stream?.leftToClientErrorListener === true && stream.endBuffered,
      explanation: (facts) =>
        `${capitalisedSubject(facts)} was cut off in the middle of its request body${parenthesis(came(facts))}, and the server's 'clientError' listener did not close the socket; ${ending(facts)}.`,
      fix: ({ clientErrorListener }) => `Call socket.destroy(error) in ${clientErrorListener}, on every path.`,
    },
    {
      name: 'not-touched',
      applies: isRead('not-touched'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has neither read its request body${parenthesis(taken(facts) && `${taken(facts)} taken`)} nor ${facts.stream?.http?.responseStarted ? 'ended its response' : 'answered'}; ${ending(facts)}.`,
      fix: answer,
    },
    {
      // The adapter pauses the body again at once where somebody resumes it.
      name: 'web-stream-not-read',
      applies: isRead('web-stream-not-read'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has a web stream on its request body that is not read on${bodyTaken(facts)}, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: answer,
    },
    {
      name: 'form-file-not-read',
      applies: ({ reading }) => reading?.waitsFor?.kind === 'form',
      explanation: (facts) =>
        `${capitalisedSubject(facts)} waits for a file of its form that nobody reads${bodyTaken(facts)}, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: ({ discardFormFile }) =>
        `Read the stream of every file of the form to its end, or discard it: ${discardFormFile}.`,
    },
    {
      name: 'destination-stalled',
      applies: isRead('destination-stalled'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)}${hasRead(facts)} ${waitsFor(facts)}, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: ({ limitUpstream, destroyResponse }, { reading }) => {
        switch (reading?.waitsFor?.kind) {
          case 'request':
            return `Give the upstream request a time-out that also gives up this one: ${limitUpstream}.`;
          case 'undici':
            return `Give undici a headersTimeout for its request, and give up this one where that fails: ${destroyResponse}.`;
          default:
            return `Limit the time that the body may wait, and give the request up then: ${destroyResponse}.`;
        }
      },
    },
    {
      name: 'destination-failed',
      applies: isRead('destination-failed'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} ${openResponse(facts)}, and its request body has no reader any more${bodyTaken(facts)}: what it was piped to has failed, or it was paused; ${ending(facts)}.`,
      // From Node 24 on pipeline() throws where its destination has closed before.
      fix: ({ pipelineRequestBody, destroyResponse }) =>
        `Use ${pipelineRequestBody} in place of pipe(), or ${destroyResponse} where the destination has closed already.`,
    },
    {
      name: 'iterator-stopped',
      applies: isRead('iterator-stopped'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} reads its request body in a for await loop that asks for no more${bodyTaken(facts)}, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: ({ destroyResponse }) =>
        `Limit the time that the body of the loop may wait, and give the request up then: ${destroyResponse}.`,
    },
    {
      name: 'readable-left',
      applies: isRead('readable-left'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has a 'readable' listener that leaves bytes of the request body in it${bodyTaken(facts)}, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: () => `Call read() in the 'readable' listener until it returns null.`,
    },
    {
      name: 'paused-by-reader',
      applies: isRead('paused-by-reader'),
      explanation: (facts) =>
        `${capitalisedSubject(facts)} has paused its request body${bodyTaken(facts)} and not resumed it, and ${openResponse(facts)}; ${ending(facts)}.`,
      fix: ({ resumeRequestBody, pauseRequestBody }) =>
        `Call ${resumeRequestBody} after every ${pauseRequestBody}, also when what it waits for fails or never comes.`,
    },
  ];
}

function answer({ refuseRequest, endResponse }: ApiWords, { stream }: LeakFacts): string {
  return stream?.http?.responseStarted
    ? `End the response on every path, also when what the handler waits for never comes: ${endResponse}.`
    : `Answer on every path, also when what the handler waits for never comes: ${refuseRequest} when its time is up.`;
}

function isRead(how: LeakReason): Reason['applies'] {
  return ({ reading }) => reading?.how === how;
}

function openResponse({ stream }: LeakFacts): string {
  return stream?.http?.responseStarted ? 'has not ended its response' : 'has not answered';
}

/** In front of what it does now. */
function hasRead(facts: LeakFacts): string {
  return taken(facts) === '' ? '' : ` has read ${taken(facts)} of its request body and`;
}

function bodyTaken(facts: LeakFacts): string {
  return taken(facts) === '' ? unread(facts) : ` (${taken(facts)} taken)`;
}

/** All of it that came was read: nothing waits. */
function came(facts: LeakFacts): string {
  const text = taken(facts);
  return text === '' ? '' : `${text} came`;
}

function parenthesis(text: string): string {
  return text === '' ? '' : ` (${text})`;
}
