/** A body and its type, as one candidate of those that a route may take. */
export interface BodyCandidate {
  /** Undefined where the request's own headers have it. */
  readonly contentType: string | undefined;
  readonly body: string | Uint8Array | number;
}

/**
 * More than what a chain of streams takes before its end fails (one read of 64 KiB and a high-water mark for each), so that
 * a body which a handler began to read leaks as well. hangUp's own default is for a body that no handler reads. The client's
 * FIN may wait behind this one, and the leak is then a stalled one: as the client is known to have closed, it is still
 * certain. Well below the 1 MiB of Fastify's bodyLimit.
 */
export const BODY_BYTES = 262_144;

const JSON_TYPE = 'application/json';
const BYTES_TYPE = 'application/octet-stream';
const BOUNDARY = 'close-wait-guard-audit';
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

export function takesBody(method: string): boolean {
  return METHODS_WITH_BODY.has(method);
}

/**
 * A JSON body as large as one that a leak needs, and the same without its padding where that is refused as too large. JSON
 * allows white space around a value (RFC 8259, 2), so what the handler gets is the same.
 */
export function jsonBodies(value: unknown, contentType: string | undefined = JSON_TYPE): BodyCandidate[] {
  const text = JSON.stringify(value);
  const padded = text + ' '.repeat(Math.max(0, BODY_BYTES - Buffer.byteLength(text)));
  return [padded, text].map((body) => ({ contentType, body }));
}

/** For a route that does not say what it takes: streams first, because a body that a parser reads whole is never unread. */
export function guessedBodies(accepts: (contentType: string) => boolean | undefined): BodyCandidate[] {
  const streams: BodyCandidate[] = [
    { contentType: BYTES_TYPE, body: BODY_BYTES },
    { contentType: FORM_TYPE, body: form(BODY_BYTES) },
  ];
  return [...streams.filter(({ contentType }) => accepts(contentType!) ?? true), ...jsonBodies({})];
}

/** One file, as a browser sends it (RFC 7578). */
function form(bytes: number): string {
  const head =
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="sample.bin"\r\n` +
    `Content-Type: ${BYTES_TYPE}\r\n\r\n`;
  const tail = `\r\n--${BOUNDARY}--\r\n`;
  return head + 'x'.repeat(Math.max(1, bytes - head.length - tail.length)) + tail;
}
