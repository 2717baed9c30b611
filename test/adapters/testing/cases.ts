import { expect } from 'vitest';

/** What has to become of the tests in test/fixtures/shop/cases.cjs, whatever the runner. */
export const CASES = {
  'leaky > before: is healthy': 'passed',
  'leaky > the upload whose client leaves': 'failed',
  'leaky > after: is still healthy': 'passed',
  'leaky > nested > leaks too': 'failed',
  'leaky > nested > is healthy': 'passed',
  'leaky > a failure of its own comes first': 'failed',
  'leaky > a leak that is allowed': 'passed',
  'leaky > a leak that is allowed by its route': 'passed',
  'leaky > a leak while another one is allowed': 'failed',
  'fixed > the upload whose client leaves': 'passed',
  'fixed > is healthy': 'passed',
  'keep-alive > an idle pool': 'passed',
  'keep-alive > an idle pool whose server hangs up': 'passed',
  'keep-alive > a pool that is closed': 'passed',
  'keep-alive > an idle pool whose server is closed': 'passed',
  'keep-alive > fetch, whose server hangs up': 'passed',
  'shared server > is healthy although something leaked before': 'passed',
  'shared server > leaks once': 'failed',
  'shared server > is innocent': 'passed',
  'shared server > the guilty ends last > guilty': 'failed',
  'shared server > the guilty ends last > innocent': 'passed',
  'shared server > the guilty ends first > guilty': 'failed',
  'shared server > the guilty ends first > innocent': 'passed',
  'shared server > the guilty is allowed to > guilty': 'passed',
  'shared server > the guilty is allowed to > innocent': 'passed',
  'servers of their own > a client of another process > guilty': 'failed',
  'servers of their own > a client of another process > innocent': 'passed',
} as const;

export interface TestResult {
  /** As in `suite > nested suite > test`. */
  readonly name: string;
  readonly status: string;
  /** What the runner says about its failure: one message, or one for each error. */
  readonly messages: readonly string[];
}

/**
 * Compares verdicts, and what the red ones say: each one leak, and its own failure before that. Leaves out what a runner
 * cannot express, by the beginning of its name.
 */
export function expectCases(all: readonly TestResult[], except?: string): void {
  const isExpressed = (name: string): boolean => except === undefined || !name.startsWith(except);
  const tests = all.filter(({ name }) => isExpressed(name));
  const expected = Object.entries(CASES).filter(([name]) => isExpressed(name));
  expect(Object.fromEntries(tests.map(({ name, status }) => [name, status]))).toEqual(Object.fromEntries(expected));
  // In one assertion, as of tests that run side by side a soft one is nobody's.
  const said = tests.map(({ name, status, messages }) => {
    const own = name.endsWith('a failure of its own comes first');
    const leaks = messages.join('\n').match(/This test left 1 leaked socket behind/g)?.length ?? 0;
    const isRight = own ? messages[0]?.includes('its own failure') === true : leaks === (status === 'failed' ? 1 : 0);
    return isRight ? [] : [name, ...messages];
  });
  expect(said.flat()).toEqual([]);
}
