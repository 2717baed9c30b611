/**
 * The slope of y over x by least squares with its 95 % interval, for points `[x, y]`, at least three. Measurements of memory one after
 * the other are alike, so the interval is widened by their autocorrelation at a lag of one (the effective number of points).
 */
export function trend(points) {
  const n = points.length;
  const mean = (pick) => points.reduce((sum, point) => sum + pick(point), 0) / n;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const spreadX = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spreadX;
  const rest = points.map(([x, y]) => y - meanY - slope * (x - meanX));
  const squares = rest.reduce((sum, r) => sum + r * r, 0);
  const lagged = rest.slice(1).reduce((sum, r, i) => sum + r * rest[i], 0);
  const alike = squares === 0 ? 0 : Math.min(0.95, Math.max(0, lagged / squares));
  const effective = Math.max(3, (n * (1 - alike)) / (1 + alike));
  const error = Math.sqrt(squares / (effective - 2) / spreadX) * Math.sqrt(Math.max(1, (effective - 2) / (n - 2)));
  const far = studentT(effective - 2) * error;
  return { slope, lowest: slope - far, highest: slope + far };
}

/** The two-sided 95 % quantile of Student's t, by a series in 1/df (Abramowitz and Stegun, 26.7.5). */
function studentT(df) {
  const z = 1.959964;
  const [z3, z5] = [z ** 3, z ** 5];
  return z + (z3 + z) / (4 * df) + (5 * z5 + 16 * z3 + 3 * z) / (96 * df ** 2);
}
