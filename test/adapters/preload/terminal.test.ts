import { spawn } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { valueOf } from '../../support/metrics-page.js';
import { freePort, listening, request } from '../../support/metrics-port.js';
import { stageOfEachTest } from '../../support/stage.js';
import { PRELOAD, SETTINGS } from '../../support/preloaded.js';
import { environmentOfAUser, programs, root } from '../../support/programs.js';
import { until } from '../../support/until.js';

/** More than a terminal takes while nobody reads it, which is 4096 bytes. */
const SERVERS = 30;
const LEAKS_OF_EACH = 4;

/**
 * Runs a program with stderr on a new terminal, which it reads when a byte comes on its stdin and not before; at the next byte the
 * program gets SIGUSR2. What the terminal got goes to fd 3.
 */
const IN_TERMINAL = `
import os, sys, select, signal, subprocess
master, slave = os.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stderr=slave)
os.close(slave)
os.read(0, 1)
while True:
    try:
        if 0 in select.select([0, master], [], [])[0]:
            os.read(0, 1)
            child.send_signal(signal.SIGUSR2)
            continue
        taken = os.read(master, 65536)
    except OSError:
        break
    os.write(3, taken)
child.kill()`;

describe('the log on a terminal', () => {
  const stage = stageOfEachTest();

  it('is a line for a person, of equal leaks the first and then a count, and a terminal that stands still holds nothing up', async () => {
    const metrics = await freePort(stage);
    const child = spawn(
      'python3',
      [
        '-c',
        IN_TERMINAL,
        process.execPath,
        ...PRELOAD,
        path.join(programs, 'equal-leaks.mjs'),
        `${SERVERS}`,
        `${LEAKS_OF_EACH}`,
      ],
      {
        cwd: root,
        env: { ...environmentOfAUser(), ...SETTINGS, CLOSE_WAIT_GUARD_METRICS_PORT: String(metrics) },
        stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
        detached: true,
      },
    );
    stage.defer(() => process.kill(-child.pid!, 'SIGKILL'));
    let printed = '';
    let shown = '';
    child.stdout!.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (shown += chunk.toString()));
    const { ports } = JSON.parse(await until('the sockets to be there', () => /^\{"ports".*$/m.exec(printed)?.[0])) as {
      ports: number[];
    };
    const told = async (): Promise<number> =>
      valueOf((await request(metrics, '/metrics')).body, 'close_wait_leaks_found_total');
    await listening(metrics);
    await until('every leak to be found', async () => (await told()) === SERVERS * LEAKS_OF_EACH);
    const lines = (count: number): Promise<string[]> =>
      until(`${count} lines`, () => {
        const found = shown.split('\r\n').slice(0, -1);
        return found.length >= count ? found : undefined;
      });
    child.stdin!.write('x');
    const first = await lines(SERVERS);
    child.stdin!.write('x');
    const counts = (await lines(2 * SERVERS)).slice(SERVERS);

    const line = '^\\d\\d:\\d\\d:\\d\\d close-wait-guard\\[\\d+\\] Leaked socket: ';
    const what = (port: number): string => `Nothing ever read the connection to net:${port} .*`;
    for (const port of ports) {
      expect(first.filter((text) => new RegExp(`${line}${what(port)}\\. Fix: `).test(text))).toHaveLength(1);
      const more = `3 more of the same \\(4 open now\\); the last one: ${what(port)}`;
      expect(counts.filter((text) => new RegExp(`${line}${more}`).test(text))).toHaveLength(1);
    }
    expect([first.length, counts.length]).toEqual([SERVERS, SERVERS]);
  });
});
