import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { PRELOAD, SETTINGS } from '../../support/preloaded.js';
import { environmentOfAUser, programs, root } from '../../support/programs.js';
import { until } from '../../support/until.js';

const LEAKS = 100;

/**
 * Runs a program with stderr on a new terminal, which it reads when a byte comes on its stdin and not before. What the terminal
 * got goes to fd 3.
 */
const IN_TERMINAL = `
import os, sys, subprocess
master, slave = os.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=slave)
os.close(slave)
os.read(0, 1)
while True:
    try:
        taken = os.read(master, 65536)
    except OSError:
        break
    os.write(3, taken)
child.kill()`;

describe('the log on a terminal', () => {
  const stage = stageOfEachTest();

  it('is a line for a person, and a terminal that stands still does not hold up the program', async () => {
    const child = spawn(
      'python3',
      ['-c', IN_TERMINAL, process.execPath, ...PRELOAD, path.join(programs, 'many-leaks.mjs'), String(LEAKS)],
      {
        cwd: root,
        env: { ...environmentOfAUser(), ...SETTINGS },
        stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
        detached: true,
      },
    );
    stage.defer(() => process.kill(-child.pid!, 'SIGKILL'));
    let printed = '';
    let shown = '';
    child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const { port } = JSON.parse(await until('the leaks to be due', () => /^\{"port".*$/m.exec(printed)?.[0])) as {
      port: number;
    };
    child.stdin!.write('x');
    const lines = await until('every line', () => {
      const found = shown.split('\r\n').slice(0, -1);
      return found.length >= LEAKS ? found : undefined;
    });
    const leak = new RegExp(
      `^\\d\\d:\\d\\d:\\d\\d close-wait-guard\\[\\d+\\] Leaked socket: Nothing ever read the connection to net:${port} .*\\. Fix: `,
    );
    expect(lines.filter((line) => !leak.test(line))).toEqual([]);
    expect(lines).toHaveLength(LEAKS);
  });
});
