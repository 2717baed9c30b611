import { shared } from '../base/shared-state.js';

/** A span of a trace, as W3C Trace Context writes one. */
export interface SpanIds {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** 2 hexadecimal digits; bit 0 says that the trace is recorded. */
  readonly traceFlags: string;
}

/** What a tracing library knows of this process's own spans. */
export interface SpanReader {
  /** The span that an inbound request is served in, by its message. */
  ofRequest(message: object): SpanIds | undefined;
  /** The span that the code which runs now belongs to. */
  active(): SpanIds | undefined;
}

const readers = shared('span-readers', () => new Set<SpanReader>());

/** Asks this reader from now on. Returns its dispose function. */
export function readSpansWith(reader: SpanReader): () => void {
  readers().add(reader);
  return () => {
    readers().delete(reader);
  };
}

/** Undefined where no tracing library was named, or none of them knows. */
export function spanOfRequest(message: object | undefined): SpanIds | undefined {
  return message && firstOf((reader) => reader.ofRequest(message));
}

/** Undefined likewise. */
export function activeSpan(): SpanIds | undefined {
  return firstOf((reader) => reader.active());
}

function firstOf(read: (reader: SpanReader) => SpanIds | undefined): SpanIds | undefined {
  for (const reader of readers()) {
    const found = read(reader);
    if (found) return found;
  }
  return undefined;
}
