import type { Combine } from './family.js';
import type { Exemplar } from './registry.js';
import type { Labels, Row } from './rows.js';

/** Adds rows up by their labels, or takes the largest or the smallest. */
export class CombinedRows {
  readonly #combine: Combine;
  readonly #rows = new Map<string, { readonly labels: Labels; value: number; exemplar: Exemplar | undefined }>();

  constructor(combine: Combine) {
    this.#combine = combine;
  }

  /** Of several exemplars the last one is kept. */
  add(labels: Labels, value: number, exemplar?: Exemplar): void {
    const key = keyOf(labels);
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

/** The same for equal labels, in whichever order. */
export function keyOf(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort());
}

export const COMBINE: Readonly<Record<Combine, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};
