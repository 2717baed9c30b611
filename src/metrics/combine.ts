import type { Combine, Labels, Row } from './families.js';
import type { Exemplar } from './registry.js';

/** Adds rows up by their labels, or takes the largest or the smallest. */
export class CombinedRows {
  readonly #combine: Combine;
  readonly #rows = new Map<string, { readonly labels: Labels; value: number; exemplar: Exemplar | undefined }>();

  constructor(combine: Combine) {
    this.#combine = combine;
  }

  /** Of several exemplars the last one is kept. */
  add(labels: Labels, value: number, exemplar?: Exemplar): void {
    const key = JSON.stringify(Object.entries(labels).sort());
    const known = this.#rows.get(key);
    if (!known) {
      this.#rows.set(key, { labels, value, exemplar });
      return;
    }
    known.value = COMBINE[this.#combine](known.value, value);
    if ((exemplar?.timestamp ?? 0) > (known.exemplar?.timestamp ?? 0)) known.exemplar = exemplar;
  }

  rows(): Row[] {
    return Array.from(this.#rows.values(), ({ labels, value, exemplar }) => [labels, value, exemplar]);
  }
}

export const COMBINE: Readonly<Record<Combine, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};
