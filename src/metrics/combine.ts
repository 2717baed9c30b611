import type { Combine, Labels, Row } from './families.js';

/** Adds rows up by their labels, or takes the largest or the smallest. */
export class CombinedRows {
  readonly #combine: Combine;
  readonly #rows = new Map<string, { readonly labels: Labels; value: number }>();

  constructor(combine: Combine) {
    this.#combine = combine;
  }

  add(labels: Labels, value: number): void {
    const key = JSON.stringify(Object.entries(labels).sort());
    const known = this.#rows.get(key);
    if (known) known.value = COMBINE[this.#combine](known.value, value);
    else this.#rows.set(key, { labels, value });
  }

  rows(): Row[] {
    return Array.from(this.#rows.values(), ({ labels, value }) => [labels, value]);
  }
}

export const COMBINE: Readonly<Record<Combine, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min,
};
