import { createHash } from 'node:crypto';
import type { LeakReport } from '../leaks/report.js';

type Part = 'cause' | 'reason' | 'side' | 'server' | 'method' | 'route' | 'destination' | 'requestedBy';

/** What makes leaks equal. Not their kind: a leak turns from close-wait to reset and is the same one. */
export type Fingerprinted = Pick<LeakReport, Part>;

/** A piece of a path that is a number, a UUID or a hash. */
const ID = /\/(?:\d+|[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}|(?=[a-f]*\d)[\da-f]{8,})(?=[/\s]|$)/gi;

/**
 * The same text for equal leaks in every process: 12 digits of a SHA-256.
 * @param shown what of a text may be in a report: with `redact` the fingerprint must not tell an address either
 */
export function fingerprintOf(leak: Fingerprinted, shown: (text: string) => string): string {
  const { cause, reason = '', side, server = '', method = '', route = '', destination = '', requestedBy = '' } = leak;
  const texts = [server, route, destination, requestedBy].map((text) => text && shown(text).replace(ID, '/:n'));
  return hashOf([cause, reason, side, method, ...texts].join('\0'));
}

/** Of equal leaks, which come in hundreds, the hash is made once: it costs as much as half of a report. */
const hashes = new Map<string, string>();
const MAX_HASHES = 256;

function hashOf(text: string): string {
  const known = hashes.get(text);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12);
  if (hashes.size >= MAX_HASHES) hashes.clear();
  hashes.set(text, hash);
  return hash;
}
