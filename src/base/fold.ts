const NUMBER = /^\d{1,200}$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** MongoDB's ObjectId (24), MD5 (32), SHA-1 (40), SHA-256 (64) and their like. */
const HEX = /^(?=[a-f]*\d)[0-9a-f]{16,200}$/i;
/** Of letters and digits alone: cuid, ULID, KSUID. */
const ALPHANUMERIC = /^[0-9a-z]{20,200}$/i;
/** nanoid, base64url. */
const BASE64URL = /^[\w-]{20,200}$/;
/** As in `7.json`. */
const EXTENSION = /\.[a-z]{1,5}$/i;

/**
 * A path with the pieces that stand for one thing among many as parameters, so that equal leaks have equal names: numbers as
 * `:n`, UUIDs as `:uuid`, hashes, tokens and other ids that no person has chosen as `:hash`. Takes linear time.
 * @param path as safePath() returns it, with a slash in front; anything else is returned as it is
 */
export function foldPath(path: string): string {
  return path.startsWith('/') ? path.split('/').map(foldPiece).join('/') : path;
}

function foldPiece(piece: string): string {
  const extension = EXTENSION.exec(piece)?.[0] ?? '';
  const name = piece.slice(0, piece.length - extension.length);
  const parameter = parameterFor(name);
  return parameter === undefined ? piece : parameter + extension;
}

function parameterFor(text: string): string | undefined {
  if (NUMBER.test(text)) return ':n';
  if (UUID.test(text)) return ':uuid';
  if (HEX.test(text)) return ':hash';
  const digits = text.replace(/\D/g, '').length;
  if (ALPHANUMERIC.test(text)) return digits >= 3 ? ':hash' : undefined;
  // Words that dashes join, as in `my-2nd-Post-of-2024`, were chosen by a person.
  const isMixed = digits >= 2 && /[a-z]/.test(text) && /[A-Z]/.test(text);
  return BASE64URL.test(text) && isMixed && !text.split(/[-_]/).every((word) => WORD.test(word)) ? ':hash' : undefined;
}

/** A word, or a number. */
const WORD = /^(?:[A-Z]?[a-z]+|[A-Z]+|\d+(?:st|nd|rd|th)?)?$/;

/** What stands for each of these parameters where a request is made again. */
export const FOLDED_SAMPLES = Object.freeze({
  n: '1',
  uuid: '497f6eca-6276-4993-bfeb-53cbbbba6f08',
  hash: '0123456789abcdef01234567',
});
