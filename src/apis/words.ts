/**
 * The slots that sentences leave open, filled in by one file for each API. Each value is code or a short phrase that stands in
 * the middle of a sentence. An API takes over the words of the API below it and replaces those that it has its own for.
 */
export interface ApiWords {
  /** Answers a request of which nothing has been answered, says that it went wrong, and lets the connection be closed behind that. */
  readonly refuseRequest: string;
  /** Ends a response that was begun. */
  readonly endResponse: string;
  /** Makes the response that is still to be sent the last one of its connection. */
  readonly closeAfterResponse: string;
  /** Gives a request up together with its connection, whatever has been sent. */
  readonly destroyResponse: string;
  /** Gives a request up together with its connection when a response takes too long. */
  readonly limitResponse: string;
  /** Pauses a request's body. */
  readonly pauseRequestBody: string;
  /** Lets a request's body flow on, to those who listen for it; what nobody listens for is thrown away. */
  readonly resumeRequestBody: string;
  /** In place of `pipe()`, which does not tell when its destination fails. */
  readonly pipelineRequestBody: string;
  /** Throws a file of a multipart form away. */
  readonly discardFormFile: string;
  /** Gives a request up when the one that its body goes to takes too long. */
  readonly limitUpstream: string;
  /** A phrase: what http calls with a request that it cannot read. */
  readonly clientErrorListener: string;
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
  /** Closes the connection when nothing has moved on it for too long. */
  readonly limitConnection: string;
}
