import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../support/programs.js';

function simulate(...args: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const run = path.join(root, 'test/simulator/run.mjs');
  return spawnSync(process.execPath, [run, ...args], { encoding: 'utf8' });
}

describe('the simulator', () => {
  it('finds nothing in histories that nobody has chosen, and says their seed', () => {
    const { status, stdout } = simulate('--histories', '2000');
    expect(stdout).toMatch(/^seed \d+: 2,000 histories in .* Every invariant held\.$/ms);
    expect(status).toBe(0);
  }, 60_000);

  it('plays the same history again, step by step', () => {
    const replays = [1, 2].map(() => simulate('--seed', '7', '--history', '41').stdout);
    expect(replays[0]).toMatch(/closeWaitTimeout \d+[^]*1000 ms: socket \d is opened[^]*Every invariant held\./);
    expect(replays[1]).toBe(replays[0]);
  }, 60_000);

  it('names an argument that is none', () => {
    expect(simulate('--seconds', 'soon')).toMatchObject({
      status: 2,
      stderr: "simulate: --seconds takes a whole number, 0 or more, and was given 'soon'\n",
    });
  });
});

describe('each fault of test/faults', () => {
  const folder = path.join(root, 'test/faults');
  const patches = readdirSync(folder).filter((file) => file.endsWith('.patch'));

  it.each(patches)('%s applies to the sources, and says what it does', (patch) => {
    const { status, stderr } = spawnSync('git', ['apply', '--check', path.join(folder, patch)], {
      cwd: root,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(readFileSync(path.join(folder, patch), 'utf8')).toMatch(/^[A-Z].*\.\n\ndiff /);
  });

  it('is one of twenty or more, with two or more in the tracker, the ledger, the diagnosis and the layers', () => {
    expect(patches.length).toBeGreaterThanOrEqual(20);
    for (const part of ['tracker', 'ledger', 'diagnosis', 'layers'])
      expect(patches.filter((patch) => patch.startsWith(`${part}-`)).length, part).toBeGreaterThanOrEqual(2);
  });
});
