/**
 * The slots that sentences leave open, filled in by one file for each API. Each value is code or a short phrase that stands in
 * the middle of a sentence. An API takes over the words of the API below it and replaces those that it has its own for.
 */
export interface ApiWords {
  /** Reads what is left of a request's body and throws it away. */
  readonly discardRequestBody: string;
  /** A phrase: the response is complete, and nothing more is written. */
  readonly endResponse: string;
  /** What the application reads a response from. */
  readonly responseBody: string;
  /** Gives up what is left of a response's body that is not wanted: reads it and throws it away, or ends its connection too. */
  readonly discardResponseBody: string;
  /** Ends a response that is being read, together with its connection. */
  readonly destroyResponseBody: string;
  /** Hands a response on so that it is given up when its destination goes. */
  readonly pipeResponseBody: string;
  /** Lets the bytes of the connection flow on; what nobody listens for is thrown away. */
  readonly resumeConnection: string;
  /** Ends this side of the connection in order. */
  readonly endConnection: string;
  /** Closes the connection at once. */
  readonly destroyConnection: string;
}
