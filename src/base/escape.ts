/** Characters of a path in log or label, before the mark that it was cut. */
const MAX_LENGTH = 200;
/** How much of a target is read, in UTF-16 units. Node takes no request with more than 16 kB of headers, unless configured. */
const MAX_READ = 64 * 1024;

/** Query and fragment. */
const QUERY = /[?#]/;
const SEPARATOR = /[/\\]/;
// Percent-encoded a character is taken for what it stands for, however often it was encoded.
const ENCODED_SEPARATOR = /%(?:25)*(?:2f|5c)/i;
/** Path parameters as in `;jsessionid=...`, and a query that was encoded along with its path. */
const PARAMETERS = /;|%(?:25)*(?:3b|3f|23)/i;
const COLON = /:|%(?:25)*3a/i;
const AT = /@|%(?:25)*40/gi;
/** `http:` and its like, before an authority. */
const SCHEME = /^[a-z][a-z0-9+.-]{0,31}:$/i;
/** A host and its port, and nothing else. */
const HOST = /^(?:\[[0-9a-f:.]{0,45}\]|[^:[\]%;]*)(?::\d{0,5})?$/i;

/**
 * What a client sent as a request's target, or a base like `http://shop.test:80`, made fit for a log line, a label or a page.
 * Without query, fragment and path parameters, and without userinfo (`user:password@`), also where another URL is part of
 * the path: they carry secrets. Where it is not clear what is userinfo, more than that is left out. Printable ASCII only:
 * other characters become %XX, as in RFC 3986. What is longer than 200 characters is cut and ends in `...`.
 */
export function safePath(target: string): string {
  const read = target.slice(0, MAX_READ);
  const query = QUERY.exec(read)?.index;
  const pieces = read.slice(0, query).split(SEPARATOR);
  // The last piece was cut, perhaps inside userinfo.
  const cut = target.length > MAX_READ && query === undefined;
  if (cut) pieces[pieces.length - 1] = '';
  const lastWithAt = pieces.findLastIndex((piece) => endOfLast(AT, piece) > 0);
  let path = '';
  let separatorAt = -1;
  for (let i = 0; i < pieces.length && path.length <= MAX_LENGTH; i++) {
    if (i > 0) path += read[separatorAt] === '/' ? '/' : '%5C';
    separatorAt += pieces[i]!.length + 1;
    const piece = pieces[i]!;
    const host = isAuthority(pieces, i) ? afterUserinfo(piece) : undefined;
    if (host === undefined) path += printable(withoutSecrets(piece));
    else if (HOST.test(host)) path += printable(host);
    else if (cut) break;
    // The password has a slash in it: it ends where the last userinfo does.
    else if (lastWithAt > i) {
      while (i < lastWithAt) separatorAt += pieces[++i]!.length + 1;
      path += printable(afterUserinfo(pieces[i]!));
    }
  }
  return path.length > MAX_LENGTH || cut ? `${path.slice(0, MAX_LENGTH)}...` : path;
}

/** A text for a terminal: what the terminal would obey, control characters and those that turn the direction of writing, becomes `?`. */
export function safeText(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?');
}

/** A host's name or address, as an application was told it. */
export function safeHost(host: string): string {
  const text = printable(host);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
}

/** A query behind a route: `?name=value`. A pattern has a question mark too: `/:id?`, `(?:…)`. */
const QUERY_OF_PATTERN = /\?[\w.~%[\]-]{1,100}=/;

/**
 * A route's pattern, as an application calls it. It should come from the application's source, but may be what a client sent:
 * so without a query, in printable ASCII (quotes, backslashes and angle brackets as %XX, too), and cut after 200 characters.
 */
export function safePattern(pattern: string): string {
  const text = printable(pattern.slice(0, MAX_READ).slice(0, QUERY_OF_PATTERN.exec(pattern)?.index));
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
}

/** An HTTP method as a label: the parser admits only tokens, and this admits no more than a known length of them. */
export function safeMethod(method: string): string {
  return /^[A-Z-]{1,20}$/.test(method) ? method : 'OTHER';
}

/** The first piece of what does not begin with a slash (authority-form), and what follows `//` or `http:/`. */
function isAuthority(pieces: readonly string[], i: number): boolean {
  const previous = pieces[i - 1];
  if (previous === undefined) return pieces.length === 1 || !SCHEME.test(pieces[i]!);
  return (previous === '' && i > 1) || SCHEME.test(previous);
}

/** Without path parameters. Nothing is left where parameters and userinfo cannot be told apart. */
function afterUserinfo(authority: string): string {
  const userinfo = endOfLast(AT, authority);
  const parameters = PARAMETERS.exec(authority)?.index ?? authority.length;
  return parameters < userinfo ? '' : authority.slice(userinfo, parameters);
}

/** A segment of a path. An `@` alone is no userinfo: `/@scope/package`, `/users/me@shop.test`. */
function withoutSecrets(segment: string): string {
  const before = segment.slice(0, endOfLast(AT, segment));
  return COLON.test(before) || ENCODED_SEPARATOR.test(before)
    ? afterUserinfo(segment)
    : segment.slice(0, PARAMETERS.exec(segment)?.index);
}

/** Where the last match ends, 0 where there is none. */
function endOfLast(pattern: RegExp, text: string): number {
  let end = 0;
  for (const match of text.matchAll(pattern)) end = match.index + match[0].length;
  return end;
}

function printable(text: string): string {
  // No character becomes shorter.
  return text
    .slice(0, MAX_LENGTH + 1)
    .replace(/[^\x21-\x7e]|["'<>\\`]/gu, (character) =>
      [...Buffer.from(character, 'utf8')]
        .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
        .join(''),
    );
}
