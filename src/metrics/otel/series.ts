import { CombinedRows, keyOf } from '../combine.js';
import type { MetricFamily } from '../family.js';
import type { Labels, Row } from '../rows.js';

/**
 * Sets of labels that one instrument may have in the life of a process. An SDK keeps each for good, and by default what comes after the
 * 2,000th is `otel.metric.overflow` without any label.
 */
const MAX_SETS = 1_000;

/** Labels whose values are closed sets: what is left of a row when there are too many. */
const CLOSED: ReadonlySet<string> = new Set(['kind', 'cause', 'side', 'operation', 'version', 'supported']);

/** The rows of one instrument, as an SDK needs them: no set of labels goes away, and there are not too many. */
export class Series {
  readonly #family: MetricFamily;
  readonly #sets = new Map<string, Labels>();

  constructor(family: MetricFamily) {
    this.#family = family;
  }

  rows(current: readonly Row[]): Row[] {
    const combined = new CombinedRows(this.#family.combine);
    for (const [labels, value] of current) combined.add(this.#shown(labels), value);
    const rows = combined.rows();
    if (!this.#family.otel.goneIsZero) return rows;
    const present = new Set(rows.map(([labels]) => keyOf(labels)));
    for (const [key, labels] of this.#sets) if (!present.has(key)) rows.push([labels, 0]);
    return rows;
  }

  #shown(labels: Labels): Labels {
    const key = keyOf(labels);
    if (this.#sets.has(key)) return labels;
    if (this.#sets.size < MAX_SETS) {
      this.#sets.set(key, labels);
      return labels;
    }
    const kept = Object.fromEntries(Object.entries(labels).filter(([name]) => CLOSED.has(name)));
    this.#sets.set(keyOf(kept), kept);
    return kept;
  }
}
