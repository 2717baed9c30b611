/** A property is tried so often in CI, and with a tenth of that elsewhere: there it is run after each change. */
const inCi = !['', '0', 'false', undefined].includes(process.env.CI);

/**
 * For fast-check: how often to try, with the same values every time. A failure prints its seed and path; `CWG_SEED=…` tries
 * other values.
 */
export function propertyRuns(inCiRuns: number): { readonly seed: number; readonly numRuns: number } {
  return {
    seed: Number(process.env.CWG_SEED ?? 20_160_118),
    numRuns: inCi ? inCiRuns : Math.ceil(inCiRuns / 10),
  };
}
