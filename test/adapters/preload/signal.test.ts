import { describe, expect, it } from 'vitest';
import { end, logLines, PRELOAD, start, temporaryFile } from '../../support/preloaded.js';
import { runNode } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

describe('CLOSE_WAIT_GUARD_SIGNAL', () => {
  const stage = stageOfEachTest();

  it('writes the open leaks to the log, and how many there are, each time it comes', async () => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const { child, printed } = await start(stage, 'leaky-server.mjs', {
      CLOSE_WAIT_GUARD_LOG: log,
      CLOSE_WAIT_GUARD_SIGNAL: 'SIGWINCH',
    });
    const leak = await until('the leak', () => logLines(log).find(({ event }) => event === 'leak')?.leak);
    const ask = async (times: number): Promise<void> => {
      child.kill('SIGWINCH');
      await until('the list', () => logLines(log).filter(({ event }) => event === 'listed').length === times);
    };
    await ask(1);
    expect(logLines(log).slice(1)).toMatchObject([
      { event: 'open', pid: child.pid, leak: { id: leak.id, localPort: printed.port, fix: leak.fix } },
      { event: 'listed', pid: child.pid, count: 1 },
    ]);
    // The program's own listener closes what leaked.
    child.kill('SIGUSR2');
    await until('the release', () => logLines(log).some(({ event }) => event === 'released'));
    await ask(2);
    expect(logLines(log).at(-1)).toMatchObject({ event: 'listed', count: 0 });
    expect(await end(child)).toBe(0);
  });

  it('keeps no process alive', async () => {
    const { code, stdout } = await runNode([...PRELOAD, '-p', '6 * 7'], { CLOSE_WAIT_GUARD_SIGNAL: 'SIGUSR2' });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
  });

  it('that is none of its signals is a warning: SIGUSR1 is the debugger’s', async () => {
    const { code, stderr } = await runNode([...PRELOAD, '-p', '1'], { CLOSE_WAIT_GUARD_SIGNAL: 'SIGUSR1' });
    expect(code).toBe(0);
    expect(stderr).toContain(
      'CLOSE_WAIT_GUARD_SIGNAL is "SIGUSR1"; it takes SIGUSR2, SIGHUP, SIGWINCH; it is left out',
    );
  });
});
