// Outcomes, bare and guarded. A suite may have tests that fail now and then by themselves: a test differs only where
// no bare run and no guarded run of it came out alike.

/** Test to outcome. The same name can stand in a file more than once. */
export function outcomesOf(tests) {
  const seen = new Map();
  const outcomes = new Map();
  for (const { file, name, level, outcome } of tests) {
    const key = [file, level, name].filter((part) => part !== undefined && part !== '').join(' › ');
    const nth = (seen.get(key) ?? 0) + 1;
    seen.set(key, nth);
    outcomes.set(nth === 1 ? key : `${key} #${nth}`, outcome);
  }
  return outcomes;
}

/**
 * @returns tests that have no outcome in common; a test that one side lacks has the outcome `missing` there, unless that
 * run was of other files
 */
export function differences(bare, guarded) {
  const outcomes = (runs) => runs.map(({ tests, files }) => ({ files, of: outcomesOf(tests) }));
  const [left, right] = [outcomes(bare), outcomes(guarded)];
  const names = new Set([...left, ...right].flatMap(({ of }) => [...of.keys()]));
  const all = (runs, name) => {
    const ran = runs.filter(({ files }) => !files || files.includes(fileOf(name)));
    return [...new Set(ran.map(({ of }) => of.get(name) ?? 'missing'))];
  };
  return [...names]
    .map((name) => ({ name, bare: all(left, name), guarded: all(right, name) }))
    .filter((test) => !test.bare.some((outcome) => test.guarded.includes(outcome)));
}

const fileOf = (name) => name.split(' › ', 1)[0];

export const filesToRepeat = (differing) => [...new Set(differing.map(({ name }) => fileOf(name)))];

export const count = (tests, outcome) => tests.filter((test) => test.outcome === outcome).length;
