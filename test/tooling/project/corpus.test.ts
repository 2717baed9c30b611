import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { LEAK_CAUSES, LEAK_KINDS } from '../../../src/base/vocabulary.js';
import { root, runNode } from '../../support/programs.js';

const corpus = path.join(root, 'test/corpus');
const scratch = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-corpus-test-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Expectation {
  readonly silent?: string;
  readonly kind?: string;
  readonly cause?: string | string[];
  readonly side: string;
  readonly owner?: object;
}

async function readCases(): Promise<[string, Expectation][]> {
  const files = readdirSync(path.join(corpus, 'cases')).map((name) => path.join(corpus, 'cases', name));
  const modules = await Promise.all(
    files.map(async (file): Promise<Record<string, { readonly expect: Expectation }>> => {
      const { default: cases } = await import(pathToFileURL(file).href);
      return cases;
    }),
  );
  return modules.flatMap((cases) =>
    Object.entries(cases).map(([name, scenario]): [string, Expectation] => [name, scenario.expect]),
  );
}

/** Runs some cases of the corpus under a preload, and returns what became of each. */
async function results(register: string, ...names: string[]) {
  const json = path.join(scratch, `${path.basename(register)}.json`);
  const args = [path.join(corpus, 'run.mjs'), '--register', path.join(root, register), '--json', json];
  const { code, stdout, stderr } = await runNode([...args, ...names], {}, 60_000);
  expect(stderr).toBe('');
  return { code, stdout, ...JSON.parse(readFileSync(json, 'utf8')) };
}

const LEAK = 'net/greets-and-never-listens';
const LOOK_ALIKE = 'net-look-alikes/connection-nobody-says-anything-on';

describe('the corpus', async () => {
  const cases = await readCases();
  const leaks = cases.filter(([, { silent }]) => silent === undefined);

  it('has every cause, every kind and every side', () => {
    expect(new Set(leaks.flatMap(([, { cause }]) => cause))).toEqual(new Set(LEAK_CAUSES));
    expect(new Set(leaks.map(([, { kind }]) => kind))).toEqual(new Set(LEAK_KINDS));
    expect(new Set(leaks.map(([, { side }]) => side))).toEqual(new Set(['inbound', 'outbound', 'unknown']));
  });

  it('has a name for each case, and says of a look-alike why it is none', () => {
    expect(new Set(cases.map(([name]) => name)).size).toBe(cases.length);
    for (const [name, { silent }] of cases) if (silent !== undefined) expect(silent, name).toMatch(/\w+ \w+/);
  });
});

describe('its runner', () => {
  it('is content with what the guard says of a leak and of a look-alike', { timeout: 60_000 }, async () => {
    const { code, score } = await results('dist/register.js', LEAK, LOOK_ALIKE);
    expect(score).toMatchObject({
      cases: 2,
      leaks: 1,
      found: 1,
      causeRight: 1,
      ownerRight: 1,
      falseAlarms: 0,
      errors: 0,
    });
    expect(code).toBe(0);
  });

  it('says what a guard misses', { timeout: 60_000 }, async () => {
    const { code, score, stdout } = await results('test/fixtures/corpus/sees-nothing.mjs', LEAK, LOOK_ALIKE);
    expect(score).toMatchObject({ leaks: 1, found: 0, quiet: 1, falseAlarms: 0, errors: 0 });
    expect(stdout).toContain(`${LEAK}: MISSED`);
    expect(code).toBe(1);
  });

  it('says whom a guard accuses for nothing, and what it gets wrong', { timeout: 60_000 }, async () => {
    const { code, score, stdout } = await results('test/fixtures/corpus/accuses-everybody.mjs', LEAK, LOOK_ALIKE);
    expect(score).toMatchObject({ leaks: 1, found: 1, causeRight: 0, sideRight: 0, falseAlarms: 1, errors: 0 });
    expect(stdout).toContain(`${LOOK_ALIKE}: FALSE ALARM`);
    expect(stdout).toContain(`${LEAK}: WRONG CAUSE`);
    expect(code).toBe(1);
  });
});
