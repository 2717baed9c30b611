const MAX_LENGTH = 200;

/**
 * What a client sent, made fit for a log line, a label or a page: without query and fragment (they carry secrets),
 * printable ASCII only, and of bounded length. Control and non-ASCII characters become %XX, as in RFC 3986.
 */
export function safePath(url: string): string {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  const printable = path.replace(/[^\x21-\x7e]|["'<>\\`]/gu, (character) =>
    [...Buffer.from(character, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return printable.length > MAX_LENGTH ? `${printable.slice(0, MAX_LENGTH)}...` : printable;
}

/** An HTTP method as a label: the parser admits only tokens, and this admits no more than a known length of them. */
export function safeMethod(method: string): string {
  return /^[A-Z-]{1,20}$/.test(method) ? method : 'OTHER';
}
