import type { LeakKind } from '../base/vocabulary.js';
import type { TracedAt } from '../layers/request-ids.js';
import type { LeakCount, OpenLeakCount } from '../guard/stats.js';
import type { Exemplar } from './registry.js';

export type Labels = Readonly<Record<string, string>>;
export type Row = readonly [labels: Labels, value: number, exemplar?: Exemplar | undefined];

export const labelsOf = ({ kind, cause, side, route }: LeakCount): Labels => withoutEmpty({ kind, cause, side, route });

/** An empty label is the same as none in Prometheus, and means none in OpenTelemetry too. */
export const withoutEmpty = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));

/** A kind of which a leak is open has no zero: it would read as the sum of the kind. */
export const zeroOf = (kind: LeakKind, leaks: readonly OpenLeakCount[]): Row[] =>
  leaks.some((leak) => leak.kind === kind) ? [] : [[{ kind }, 0]];

/** So that a graph leads to the trace of the request that leaked. */
export const exemplarOf = (value: number, traced: TracedAt | undefined): Exemplar | undefined =>
  traced && {
    labelSet: { trace_id: traced.traceId, span_id: traced.spanId },
    value,
    timestamp: traced.atMs / 1_000,
  };

/** What the kernel does not tell has no row: a made-up number would be believed. */
export const rowOf = (labels: Labels, value: number | undefined): Row[] =>
  value === undefined ? [] : [[labels, value]];
