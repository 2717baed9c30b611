/** `ok`: as it should be. `note`: worth knowing, nothing is broken. `problem`: something does not work, or soon will not. */
export type Verdict = 'ok' | 'note' | 'problem';

/** One line of `doctor`. */
export interface Finding {
  /** A closed set, so that a script can look for one; see docs/command.md. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What was found, with its value and unit. */
  readonly found: string;
  /** What to do; undefined where there is nothing to do. */
  readonly advice: string | undefined;
}

export const ok = (check: string, found: string): Finding => ({ check, verdict: 'ok', found, advice: undefined });
export const note = (check: string, found: string, advice: string): Finding => ({
  check,
  verdict: 'note',
  found,
  advice,
});
export const problem = (check: string, found: string, advice: string): Finding => ({
  ...{ check, verdict: 'problem', found, advice },
});
