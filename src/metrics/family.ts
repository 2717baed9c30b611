import type { GuardStats } from '../guard/stats.js';
import type { Row } from './rows.js';

/** How values of equal labels become one: the names that both registry families have for it, too. */
export type Combine = 'sum' | 'max' | 'min';

/** What OpenTelemetry calls a metric. */
export interface OtelNames {
  /** A semantic convention's, where there is one for this very number; else one in this library's namespace. */
  readonly name: string;
  /** In UCUM (https://ucum.org/ucum). */
  readonly unit: string;
  /** @default a counter for a counter, an up-down-counter where values of several guards add up, a gauge where they do not */
  readonly instrument?: 'up-down-counter';
  /** Attributes that each of its values has. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** A row that is no longer there stands for 0: an SDK repeats the last value of what it is not told of any more. */
  readonly goneIsZero?: true;
}

/** One metric: what it is called, and how it is read off a guard's stats. */
export interface MetricFamily {
  readonly name: string;
  readonly otel: OtelNames;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly labelNames: readonly string[];
  /** How values of several guards, and of several cluster workers, become one. */
  readonly combine: Combine;
  /** Must return rows also when all is well: a gauge at zero is exported, not absent. */
  readonly rows: (stats: GuardStats) => Row[];
}
