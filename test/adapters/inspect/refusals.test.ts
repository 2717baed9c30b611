import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { closeWaitGuard } from './targets.js';

const stage = stageOfEachTest();

/** What the command says of a pid, and that it is one line and exit status 2. */
function refusalOf(pid: string): string {
  const { status, stdout, stderr } = closeWaitGuard(['inspect', pid, '--timeout', '0']);
  expect(stdout).toBe('');
  expect(status).toBe(2);
  const [line = '', ...hint] = stderr.trimEnd().split('\n');
  expect(hint.join('\n')).toMatch(/^(close-wait-guard inspect --help says how it is used)?$/);
  return line.replace('close-wait-guard inspect: ', '');
}

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'latin1');

describe('a pid that cannot be looked into', () => {
  it.each([
    ['abc', '"abc" is no pid; it takes a whole number from 1 to 4194304'],
    ['0', '"0" is no pid; it takes a whole number from 1 to 4194304'],
    ['-1', expect.stringContaining('there is no option "-1"')],
    ['1.5', '"1.5" is no pid; it takes a whole number from 1 to 4194304'],
    ['4194304', expect.stringMatching(/^there is no process 4194304 here/)],
  ])('%s', (pid, sentence) => {
    expect(refusalOf(pid)).toEqual(sentence);
  });

  it('of a process that has ended', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    expect(refusalOf(String(child.pid))).toContain(`there is no process ${child.pid} here (it has ended`);
  });

  it('of a zombie', async () => {
    // The shell becomes a program that never waits for its child.
    const parent = spawn('sh', ['-c', '/bin/true & exec sleep 60']);
    stage.defer(() => parent.kill('SIGKILL'));
    const zombie = await until('a zombie', () => {
      const children = readFileSync(`/proc/${parent.pid}/task/${parent.pid}/children`, 'latin1').trim().split(' ');
      const [pid] = children.filter((child) => child !== '' && /^State:\s+Z/m.test(statusOf(Number(child))));
      return pid;
    });
    expect(refusalOf(zombie)).toBe(
      `process ${zombie} (true) has ended and has no fd any more: its parent, process ${parent.pid}, has not waited for it`,
    );
  });

  it('of a thread of the kernel', ({ skip }) => {
    const kernelThread = readdirSync('/proc').find((name) => {
      return (
        /^\d+$/.test(name) &&
        name !== '1' &&
        /^PPid:\s+[02]$/m.test(statusIfThere(name)) &&
        !/^VmSize:/m.test(statusIfThere(name))
      );
    });
    skip(kernelThread === undefined, 'no thread of the kernel can be seen from here');
    expect(refusalOf(kernelThread!)).toMatch(/^process \d+ \(.+\) is a thread of the kernel: it has no fds$/);
  });

  it('of a thread of a process', async () => {
    const tid = readdirSync('/proc/self/task').find((name) => Number(name) !== process.pid);
    expect(refusalOf(tid!)).toBe(`${tid} is a thread of the process ${process.pid}; pass that pid`);
  });

  it('none, two, and wrong options', () => {
    expect(closeWaitGuard(['inspect']).stderr).toContain('it takes the pid of a process, and got none');
    expect(closeWaitGuard(['inspect', '1', '2']).stderr).toContain(
      'it takes the pid of a process, and got 2 arguments',
    );
    expect(closeWaitGuard(['inspect', '1', '--timeout', '-5']).status).toBe(2);
    expect(closeWaitGuard(['inspect', '1', '--timeout', '1h']).stderr).toContain(
      '--timeout is "1h"; it takes a whole number of milliseconds from 0 to 3600000',
    );
    expect(closeWaitGuard(['inspect', '--al', '1']).stderr).toContain('did you mean --all?');
  });
});

function statusIfThere(pid: string): string {
  try {
    return statusOf(Number(pid));
  } catch {
    return '';
  }
}
