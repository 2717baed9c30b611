import type { ApiWords } from '../../apis/words.js';
import type { LeakCause, LeakReason } from '../../base/vocabulary.js';
import type { LeakFacts } from '../facts.js';

/** All that there is to say of one cause. Which sockets have it is decided in diagnosis.ts. */
export interface Cause<Name extends LeakCause = LeakCause> {
  readonly name: Name;
  /** What evidence tells apart, the first that applies; its sentences stand in for those of the cause. @default none */
  readonly reasons?: readonly Reason[];
  /** One sentence that is true of this very socket: what happened. */
  readonly explanation: (facts: LeakFacts) => string;
  /** One sentence: what to change in the code. It names no library; what an API calls a thing is one of its `words`. */
  readonly fix: (words: ApiWords, facts: LeakFacts) => string;
  readonly reproduction: Reproduction;
  /** Its page in the documentation: what to do about it. */
  readonly docs: `docs/causes/${Name}.md`;
}

/** One of several ways to a cause, with the evidence for it. */
export interface Reason {
  readonly name: LeakReason;
  readonly applies: (facts: LeakFacts) => boolean;
  readonly explanation: (facts: LeakFacts) => string;
  readonly fix: (words: ApiWords, facts: LeakFacts) => string;
  /** @default that of the cause */
  readonly reproduction?: Reproduction;
}

/** How a test makes the leak of an inbound HTTP request again: by a client that sends the request of the report, or not at all. */
export type Reproduction =
  | {
      readonly by: 'request';
      /** When the client closes its end of the connection. */
      readonly leavesAt: 'request' | 'mid-response' | 'response' | 'upgrade';
      /** What it sends behind the request's head. @default what fits the method */
      readonly body?: BodyToSend;
      /** False: it reads nothing any more, so that what the server writes stays unsent. @default true */
      readonly readsOn?: boolean;
    }
  /** By half of a request's head, which is no request. */
  | { readonly by: 'half-head' }
  | {
      readonly by: 'nothing';
      /** Why one request does not do it: the end of a sentence. */
      readonly because: string;
    };

/** `unread`: nobody reads it. `abandoned`: it is left half read. `frame`: one of WebSocket, once the server has upgraded. */
export type BodyToSend = 'unread' | 'abandoned' | 'frame';

/** The report's request is sent whole, and the client leaves before it has a response. */
export const LEAVES_AFTER_REQUEST: Reproduction = Object.freeze({ by: 'request', leavesAt: 'request' });
