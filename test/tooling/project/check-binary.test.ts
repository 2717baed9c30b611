import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { root } from '../../support/programs.js';

const built = path.join(root, 'build/Release/close_wait_guard.node');

function check(...args: string[]) {
  return spawnSync(process.execPath, [path.join(root, 'scripts/check-binary.mjs'), ...args], { encoding: 'utf8' });
}

describe('scripts/check-binary.mjs', () => {
  it('finds nothing in the binary that was built here which old systems do not have', () => {
    const { status, stdout, stderr } = check(built);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/: .*GLIBCXX_3\.4\S* .*GLIBC_2\.\d+; NEEDED .*libc/);
  });

  it('reads the versions that objdump reads', ({ skip }) => {
    const { stdout, error } = spawnSync('objdump', ['-p', built], { encoding: 'utf8' });
    skip(error !== undefined, 'there is no objdump');
    const { stdout: own } = check(built);
    const newest = stdout
      .match(/GLIBC_2\.\d+/g)!
      .map((version) => Number(version.split('.')[1]))
      .sort((a, b) => b - a);
    expect(own).toContain(`GLIBC_2.${newest[0]};`);
  });

  it('fails for one that asks for more, and says what', ({ skip }) => {
    // The running Node asks for newer symbols of libc, or links to more, than an addon may; where it does not, it cannot serve.
    const folder = mkdtempSync(path.join(tmpdir(), 'check-binary-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const program = path.join(folder, 'other.node');
    copyFileSync(process.execPath, program);
    const { status, stderr } = check(built, program);
    skip(status === 0, 'this Node asks for nothing new');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^\S+other\.node: (asks for GLIBC_2\.\d+|asks for \S+|links to \S+)$/m);
    expect(stderr).not.toContain('close_wait_guard.node:');
  });

  it('fails for a package without a binary', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'check-binary-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const tarball = path.join(folder, 'empty.tgz');
    spawnSync('tar', ['-czf', tarball, '-C', root, 'package.json']);
    const { status, stderr } = check(tarball);
    expect(status).toBe(1);
    expect(stderr).toContain('there is no .node file in it');
  });
});
