/**
 * Rows in which each value of each factor meets each value of every other factor at least once: few where the full product
 * would be hundreds. Greedy, and the same rows each time.
 * @param {Record<string, readonly unknown[]>} factors
 * @returns {Record<string, unknown>[]}
 */
export function pairwise(factors) {
  const names = Object.keys(factors);
  const open = new Set();
  const key = (a, i, b, j) => `${a} ${i} ${b} ${j}`;
  names.forEach((a, at) => {
    for (const b of names.slice(at + 1)) {
      factors[a].forEach((_, i) => factors[b].forEach((__, j) => open.add(key(a, i, b, j))));
    }
  });
  /** How many open pairs a value closes with those that the row has. */
  const gain = (row, name, index) =>
    names.filter((other) => {
      if (other === name || row[other] === undefined) return false;
      const [a, b] = names.indexOf(other) < names.indexOf(name) ? [other, name] : [name, other];
      return open.has(key(a, a === name ? index : row[a], b, b === name ? index : row[b]));
    }).length;

  const rows = [];
  while (open.size > 0) {
    const [a, i, b, j] = [...open][0].split(' ');
    const row = { [a]: Number(i), [b]: Number(j) };
    for (const name of names) {
      if (row[name] !== undefined) continue;
      const gains = factors[name].map((_, index) => gain(row, name, index));
      row[name] = gains.indexOf(Math.max(...gains));
    }
    names.forEach((x, at) => {
      for (const y of names.slice(at + 1)) open.delete(key(x, row[x], y, row[y]));
    });
    rows.push(Object.fromEntries(names.map((name) => [name, factors[name][row[name]]])));
  }
  return rows;
}
