import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES } from '../../../src/base/vocabulary.js';
import { VERSION } from '../../../src/base/version.js';
import { COMMANDS } from '../../../src/inspect/commands/index.js';
import { markdownAsText } from '../../../src/inspect/frame/markdown.js';
import { table, wrap } from '../../../src/inspect/frame/table.js';
import { cli, runCommand, spawnCommand } from '../../support/attached.js';
import { environmentOfAUser, jsonOf, outcomeOf, root } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

describe('the command', { timeout: 60_000 }, () => {
  it('lists its commands, and each has a help that names every option', async () => {
    const { code, stdout } = await runCommand(['--help']);
    expect(code).toBe(0);
    const commands = await Promise.all(Array.from(COMMANDS.values(), (load) => load()));
    expect(commands.map(({ name }) => name)).toEqual([...COMMANDS.keys()]);
    for (const { name, summary } of commands)
      expect(stdout).toMatch(new RegExp(`^  ${name} .*${summary.slice(0, 20)}`, 'm'));
    for (const { name, options } of commands) {
      const help = await runCommand([name, '--help']);
      expect(help.code).toBe(0);
      for (const option of [...Object.keys(options), 'help']) expect(help.stdout, name).toContain(`--${option}`);
      for (const line of help.stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(132);
    }
  });

  it('has a version', async () => {
    expect(await runCommand(['--version'])).toMatchObject({ code: 0, stdout: `${VERSION}\n` });
  });

  it.each([
    [[], 'Usage: close-wait-guard <command>'],
    [['atach', '1'], 'there is no command "atach"; the commands are'],
    [['--jsn'], 'there is no option "--jsn"'],
    [['explain', 'pausd'], 'did you mean paused?'],
    [['explain', 'paused', 'never-read'], 'it takes one cause, and got 2 arguments'],
    [['run'], 'it takes a file to run, and got none'],
    [['explain', '--json=yes'], '--json takes no value, and got "yes"'],
  ])('%j: says what is wrong, and ends with 2', async (args, sentence) => {
    const { code, stdout, stderr } = await runCommand(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('    at ');
  });

  it('explains every cause, as its page does', async () => {
    const list = await runCommand(['explain']);
    for (const cause of LEAK_CAUSES) expect(list.stdout).toMatch(new RegExp(`^${cause}  +\\S.*\\.$`, 'm'));
    const { cause, page } = jsonOf(await runCommand(['explain', 'write-stalled', '--json']));
    expect({ cause, page }).toEqual({
      cause: 'write-stalled',
      page: readFileSync(path.join(root, 'docs/causes/write-stalled.md'), 'utf8'),
    });
    const { stdout } = await runCommand(['explain', 'write-stalled']);
    expect(stdout).toMatch(/^WRITE-STALLED\n/);
    expect(stdout).not.toMatch(/```|\]\(/);
  });

  it('is not stopped by who reads only the beginning', async () => {
    const child = spawn('sh', ['-c', `'${process.execPath}' '${cli}' explain --json | head -c 100`], {
      env: environmentOfAUser(),
    });
    const { stdout, stderr } = await outcomeOf(child);
    expect(stdout).toHaveLength(100);
    expect(stderr).toBe('');
  });
});

describe('run', { timeout: 60_000 }, () => {
  const stage = stageOfEachTest();
  const leaky = `
    const server = require('node:net').createServer(() => {}).listen(0, '127.0.0.1', () =>
      require('node:net').connect(server.address().port, '127.0.0.1').end('x'));
    setTimeout(() => process.exit(5), 2_500);`;

  it('starts a program under the guard, and ends with its status', async () => {
    const { code, stderr } = await runCommand(['run', '-e', leaky], {
      CLOSE_WAIT_GUARD_TIMEOUT_MS: '300',
      CLOSE_WAIT_GUARD_INTERVAL_MS: '100',
    });
    expect(code, stderr).toBe(5);
    expect(stderr).toMatch(/"event":"leak".*"cause":"never-read"/);
  });

  it('hands arguments and NODE_OPTIONS on, its own name for --help among them', async () => {
    const print = 'console.log(JSON.stringify([process.argv.slice(1), process.execArgv, process.env.NODE_OPTIONS]))';
    const { stdout } = await runCommand(['run', '--title=x', '-e', print, '--', '--help', 'a b'], {
      NODE_OPTIONS: '--no-warnings',
    });
    const [args, execArgv, nodeOptions] = JSON.parse(stdout);
    expect(args).toEqual(['--help', 'a b']);
    expect(execArgv).toContain('--title=x');
    expect(nodeOptions).toBe('--no-warnings');
  });

  it('passes signals on, and ends by the signal that ended the program', async () => {
    const child = spawnCommand([
      'run',
      '-e',
      `process.on('SIGUSR2', () => console.log('got it')); setInterval(() => 0, 1_000); console.log('ready')`,
    ]);
    stage.defer(() => child.kill('SIGKILL'));
    let said = '';
    child.stdout!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('it to be ready', () => said.includes('ready'), { timeoutMs: 20_000 });
    child.kill('SIGUSR2');
    await until('the signal to arrive', () => said.includes('got it'));
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });
});

describe('what is written to a terminal', () => {
  it('has no control character of anybody else', () => {
    const written =
      table([{ title: 'A' }, { title: 'B', cut: true }], [['\u001b[2J', 'x\u202ey\n']], 80) +
      wrap('\u001b]0;title\u0007 and\u2028more', 80);
    expect(written).toBe('A     B\n?[2J  x?y?\n?]0;title? and?more\n');
  });

  it('fits the terminal where a column may be cut, and keeps the others', () => {
    const rows = [['1', 'a-rather-long-text-that-does-not-fit', 'x'.repeat(30)]];
    const head = [{ title: 'N', align: 'right' as const }, { title: 'CUT', cut: true as const }, { title: 'WHOLE' }];
    const lines = table(head, rows, 50).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(50);
    expect(lines[1]).toMatch(/^1 {2}a-rathe.*… {2}x{30}$/);
    expect(table(head, rows, Infinity)).toContain('does-not-fit');
  });

  it('wraps words, and leaves a longer one whole', () => {
    expect(wrap('one two three-is-long', 8, '  ')).toBe('  one\n  two\n  three-is-long\n');
  });

  it('is Markdown without its marks', () => {
    const page =
      '# `a`\n\nSee [b](c.md), **d**.\n\n```js x\n  code\n```\n\n| e | f |\n|---|---|\n| `g` | h \\| i |\n\n1. one\n   more\n2. two\n';
    expect(markdownAsText(page, 80)).toBe('A\n\nSee b, d.\n\n      code\n\nE  F\ng  h | i\n\n1. one more\n2. two\n\n');
  });
});
