// Order statistics only: timings on a shared machine have heavy tails, and a mean follows its worst sample.

/** The value below which a share `q` (0 to 1) of the values lies, interpolated between neighbours. */
export function quantile(values, q) {
  if (values.length === 0) throw new RangeError('quantile() of no values');
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export function median(values) {
  return quantile(values, 0.5);
}

/**
 * Confidence interval of the median from the sign test: between the k-th smallest and the k-th largest value lies the
 * median of whatever these are drawn from, with a probability that follows from the binomial distribution alone. No
 * assumption on their shape. `coverage` is that probability; with fewer than 6 values even the whole range has less
 * than 0.95.
 */
export function medianInterval(values, confidence = 0.95) {
  const n = values.length;
  if (n === 0) throw new RangeError('medianInterval() of no values');
  const sorted = [...values].sort((a, b) => a - b);
  let rank = 1;
  while (2 * (rank + 1) <= n && coverageOf(n, rank + 1) >= confidence) rank++;
  return { low: sorted[rank - 1], high: sorted[n - rank], coverage: coverageOf(n, rank) };
}

/** 1 - 2 P(fewer than `rank` of n values fall below the median). */
function coverageOf(n, rank) {
  let term = 0.5 ** n;
  let outside = 0;
  for (let i = 0; i < rank; i++) {
    outside += term;
    term = (term * (n - i)) / (i + 1);
  }
  return Math.max(0, 1 - 2 * outside);
}

/** The same values in random order (Fisher-Yates): what is measured first must not always be the same thing. */
export function shuffled(values, random = Math.random) {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}
