import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePair, Prepared, runCommand } from '../../support/attached.js';
import { environmentOfAUser } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

/** SIGUSR1 among the signals that it catches, by the kernel's account. */
const CATCHES_SIGUSR1 = 1n << 9n;

describe('attach says why it cannot look', { timeout: 60_000 }, () => {
  const stage = stageOfEachTest();

  /** One line, and status 2. */
  async function refusal(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runCommand(['attach', ...args]);
    expect({ code, stdout }, stderr).toEqual({ code: 2, stdout: '' });
    // Hints for the usage come in a line of their own, and on a busy machine what is going on.
    const [line = '', ...more] = stderr
      .trim()
      .split('\n')
      .filter((each) => !/--help says how it is used$|^looking into process /.test(each));
    expect(more).toEqual([]);
    return line.replace(/^close-wait-guard attach: /, '');
  }

  function start(program: string, args: readonly string[], options: object = {}): number {
    const child = spawn(program, args, {
      env: environmentOfAUser(),
      stdio: ['ignore', 'ignore', 'ignore'],
      ...options,
    });
    stage.defer(() => child.kill('SIGKILL'));
    return child.pid!;
  }

  it.each([
    [['seven'], '"seven" is no pid; it takes a whole number from 1 to 4194304'],
    [
      ['4194303'],
      'there is no process 4194303 here (it has ended, or it is in a PID namespace that cannot be seen from here)',
    ],
    [[], 'it takes the pid of a process, and got none'],
    [['1', '2'], 'it takes the pid of a process, and got 2 arguments'],
    [['1', '--timeout', '9'], '--timeout is "9"; it takes a whole number of milliseconds from 100 to 3600000'],
    [
      ['1', '--wach'],
      'there is no option "--wach"; the options are --timeout, --watch, --json, --yes, --help; did you mean --watch?',
    ],
    [['1', '--timeout'], '--timeout takes a value: --timeout MS'],
  ])('%j: %s', async (args, sentence) => {
    expect(await refusal(args)).toBe(sentence);
  });

  it('a process of another language, which would take SIGUSR1 for what it likes', async () => {
    const pid = start('sleep', ['60']);
    await until('its program to run', () => readlinkSync(`/proc/${pid}/exe`).endsWith('sleep'));
    expect(await refusal([String(pid), '--yes'])).toBe(
      `process ${pid} (sleep) is no Node.js (sleep): close-wait-guard inspect ${pid} looks at it from outside`,
    );
    expect(process.kill(pid, 0)).toBe(true);
  });

  it('sends nothing where nobody has said that it may', async () => {
    const target = await Prepared.start(stage);
    expect(await refusal([String(target.pid)])).toMatch(
      /^SIGUSR1 opens the inspector of process \d+ \(node looked-into\.mjs\) while this looks: .* Say that it may: --yes$/,
    );
    expect(target.stderr).toBe('');
  });

  it('a process of another user', async (context) => {
    context.skip(process.getuid?.() !== 0, 'needs root, to start a process as another user');
    const target = start(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], {
      uid: 65_534,
      gid: 65_534,
      cwd: '/',
    });
    expect(await refusal([String(target), '--yes'])).toBe(
      `process ${target} (node) belongs to uid 65534, and this command runs as uid 0: run it as that user, as with setpriv --reuid=65534 --clear-groups npx close-wait-guard attach ${target}`,
    );
  });

  it('a process that was told not to open its inspector', async (context) => {
    context.skip(!process.allowedNodeEnvironmentFlags.has('--disable-sigusr1'), 'this Node has no --disable-sigusr1');
    const target = await Prepared.start(stage, 'looked-into.mjs', { execArgv: ['--disable-sigusr1'] });
    expect(await refusal([String(target.pid), '--yes'])).toContain(
      'was started with --disable-sigusr1: nothing can open its inspector from outside',
    );
    expect(target.child.exitCode ?? target.child.signalCode).toBeNull();
  });

  it('a process that is in a namespace of its own', async (context) => {
    const pid = start('unshare', ['-rn', process.execPath, '-e', 'setInterval(() => 0, 1000)']);
    const isThere = await until('the program to run', () => catches(pid)).catch(() => false);
    context.skip(!isThere, 'needs the right to make a namespace (unshare)');
    const line = await refusal([String(pid), '--yes']);
    // In a user namespace of its own it has another owner in the eyes of a command outside, unless that is root's.
    expect(line).toMatch(/network namespace of its own\).*docker exec.*nsenter --target \d+ --all|belongs to uid/);
  });

  it('another process that has the port', async () => {
    const port = await freePair();
    const holder = net.createServer();
    holder.listen(port, '127.0.0.1');
    await once(holder, 'listening');
    stage.defer(() => holder.close());
    const target = await Prepared.start(stage, 'looked-into.mjs', { execArgv: [`--inspect-port=${port}`] });
    expect(await refusal([String(target.pid), '--yes'])).toMatch(
      new RegExp(
        `^port ${port}, on which process ${target.pid} \\(node looked-into.mjs\\) would open its inspector, is taken by process ${process.pid} \\(`,
      ),
    );
    expect(target.stderr).toBe('');
  });

  it('a process that would die of SIGUSR1: it runs with --permission', async (context) => {
    const flag = ['--permission', '--experimental-permission'].find((each) =>
      process.allowedNodeEnvironmentFlags.has(each),
    );
    context.skip(flag === undefined, 'this Node has no permission model');
    const target = await Prepared.start(stage, 'looked-into.mjs', {
      args: ['clean'],
      execArgv: [
        flag!,
        '--allow-fs-read=*',
        ...(process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []),
      ],
    });
    context.skip(catches(target.pid), 'this Node opens its inspector under --permission, too');
    expect(await refusal([String(target.pid), '--yes'])).toMatch(
      /does not catch SIGUSR1, and would die of it: .*--permission/,
    );
    expect(target.child.exitCode ?? target.child.signalCode).toBeNull();
  });

  it('a process that CLOSE_WAIT_GUARD=off was said to', async () => {
    const child = spawn(process.execPath, ['--inspect-port=0', '-e', 'setInterval(() => 0, 1000)'], {
      env: { ...environmentOfAUser(), CLOSE_WAIT_GUARD: 'off' },
      stdio: 'ignore',
    });
    stage.defer(() => child.kill('SIGKILL'));
    await until('SIGUSR1 to be caught', () => catches(child.pid!));
    expect(await refusal([String(child.pid), '--yes'])).toBe(
      'no guard works in it: it is turned off by CLOSE_WAIT_GUARD',
    );
  });
});

function catches(pid: number): boolean {
  const caught = /^SigCgt:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & CATCHES_SIGUSR1) !== 0n;
}
