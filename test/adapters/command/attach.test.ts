import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { freePair, Prepared, runCommand, spawnCommand } from '../../support/attached.js';
import { jsonOf, outcomeOf } from '../../support/programs.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

/** The guard takes everything back within 5 s of the last word; the rest is for a busy machine. */
const TAKEN_BACK = { timeoutMs: 12_000, everyMs: 100 };

describe('attach', { timeout: 60_000 }, () => {
  const stage = stageOfEachTest();

  async function leaky(): Promise<Prepared> {
    const target = await Prepared.start(stage);
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    return target;
  }

  /** Waits until the guard is in there. */
  async function entered(target: Prepared): Promise<void> {
    await until('the guard to be in there', async () => (await target.ask('state')).subscribed.length > 0, {
      timeoutMs: 20_000,
    });
  }

  it('names leaks of a process that nobody prepared, and leaves everything as it was', async () => {
    const target = await leaky();
    const [before, portsBefore] = [await target.ask('state'), target.ports()];
    const outcome = await runCommand(['attach', String(target.pid), '--yes', '--json']);
    expect(outcome.code, outcome.stderr).toBe(1);
    const { leaks, processes } = jsonOf(outcome);
    expect(leaks.map(({ kind, cause, side }: any) => `${kind} ${cause} ${side}`).sort()).toEqual([
      'close-wait paused inbound',
      'stalled response-body-not-read outbound',
    ]);
    expect(leaks.find(({ cause }: any) => cause === 'paused').server).toBe(`net:${target.ready.paused}`);
    expect(processes).toMatchObject([{ pid: target.pid, threads: 1, inspector: { openedHere: true } }]);
    expect(await target.ask('state')).toEqual(before);
    expect(target.ports()).toEqual(portsBefore);
    // What cannot be kept from it, and no more.
    expect(target.stderr.trim().split('\n')).toEqual([
      expect.stringContaining('Debugger listening on'),
      expect.stringContaining('For help, see'),
      'Debugger attached.',
    ]);
  });

  it('tells how old a leak is that was there before', async () => {
    const target = await leaky();
    const startedAt = performance.now();
    await until('the leak to grow old', () => performance.now() - startedAt > 4_000);
    const beforeMs = performance.now() - startedAt;
    const { leaks } = jsonOf(await runCommand(['attach', String(target.pid), '--yes', '--json', '--timeout', '500']));
    const { ageMs } = leaks.find(({ cause }: any) => cause === 'paused');
    // What the guard itself has seen is on top of that.
    expect(ageMs).toBeGreaterThan(beforeMs + 500);
    expect(ageMs).toBeLessThan(performance.now() - startedAt + 2_000);
  });

  it('ends with 0 where nothing leaks', async () => {
    const target = await Prepared.start(stage, 'looked-into.mjs', { args: ['clean'] });
    const { code, stdout, stderr } = await runCommand(['attach', String(target.pid), '--yes', '--timeout', '500']);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^no leaked sockets among 0 TCP connections of \d+ \(node looked-into\.mjs\)\n$/);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'takes everything back by itself where the command gets %s in the middle',
    async (signal) => {
      const target = await leaky();
      const [before, portsBefore] = [await target.ask('state'), target.ports()];
      const command = spawnCommand(['attach', String(target.pid), '--yes', '--watch']);
      stage.defer(() => command.kill('SIGKILL'));
      await entered(target);
      command.kill(signal);
      await until('the inspector to be closed', () => target.ports().join() === portsBefore.join(), TAKEN_BACK);
      expect(await target.ask('state')).toEqual(before);
    },
  );

  it('takes everything back at Ctrl-C', async () => {
    const target = await leaky();
    const [before, portsBefore] = [await target.ask('state'), target.ports()];
    const command = spawnCommand(['attach', String(target.pid), '--yes', '--timeout', '60000']);
    const outcome = outcomeOf(command);
    await entered(target);
    command.kill('SIGINT');
    expect((await outcome).code).toBe(130);
    expect(await target.ask('state')).toEqual(before);
    expect(target.ports()).toEqual(portsBefore);
  });

  it('watches on with --watch, and tells each leak and its end as a line', async () => {
    const target = await Prepared.start(stage, 'looked-into.mjs', { args: ['clean'] });
    const command = spawnCommand(['attach', String(target.pid), '--yes', '--watch', '--json', '--timeout', '300']);
    let lines = '';
    command.stdout!.on('data', (chunk: Buffer) => (lines += chunk.toString()));
    const outcome = outcomeOf(command);
    await entered(target);
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    const { event, leak, threadId, pid } = JSON.parse(
      await until('a line', () => /^.*\n/.exec(lines)?.[0], { timeoutMs: 20_000 }),
    );
    expect({ event, threadId, pid, cause: leak.cause }).toEqual({
      event: 'leak',
      threadId: 0,
      pid: target.pid,
      cause: 'paused',
    });
    command.kill('SIGINT');
    // It was asked to end, and has looked.
    expect((await outcome).code).toBe(1);
  });

  it('does not hold up a process that ends meanwhile', async () => {
    const target = await leaky();
    const command = spawnCommand(['attach', String(target.pid), '--yes', '--watch']);
    const outcome = outcomeOf(command);
    await entered(target);
    command.kill('SIGSTOP');
    const exit = once(target.child, 'exit', { signal: AbortSignal.timeout(5_000) });
    target.child.send('end');
    expect((await exit)[0]).toBe(7);
    command.kill('SIGCONT');
    const { code, stderr } = await outcome;
    expect(code, stderr).toBe(2);
    expect(target.stderr).not.toContain('Waiting for the debugger');
  });

  it('waits for a blocked event loop, and accuses nobody of what it could not do meanwhile', async () => {
    const target = await Prepared.start(stage, 'looked-into.mjs', { args: ['clean'] });
    target.child.send('block');
    const { code, stderr } = await runCommand(['attach', String(target.pid), '--yes', '--timeout', '500']);
    expect(code, stderr).toBe(0);
  });

  it('comes in where the inspector is open, and leaves it so', async () => {
    const target = await Prepared.start(stage, 'looked-into.mjs', { execArgv: ['--inspect=127.0.0.1:0'] });
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    const [before, portsBefore] = [await target.ask('state'), target.ports()];
    const { leaks, processes } = jsonOf(
      await runCommand(['attach', String(target.pid), '--yes', '--json', '--timeout', '500']),
    );
    expect(leaks.map(({ cause }: any) => cause)).toContain('paused');
    expect(processes[0].inspector.openedHere).toBe(false);
    expect(target.ports()).toEqual(portsBefore);
    await until(
      'the state that it had',
      async () => JSON.stringify(await target.ask('state')) === JSON.stringify(before),
    );
  });

  it('looks into worker threads, and names their leaks by their cause', async () => {
    const target = await Prepared.start(stage, 'looked-into-worker.mjs');
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    const outcome = await runCommand(['attach', String(target.pid), '--yes', '--json', '--timeout', '500']);
    const { leaks, processes } = jsonOf(outcome);
    expect(leaks).toMatchObject([{ cause: 'paused', threadId: 1 }]);
    expect(processes[0].threads).toBe(2);
  });

  it('waits for no answer of a worker thread that cannot come: the way to it goes through the main thread', async () => {
    const target = await Prepared.start(stage, 'looked-into-worker.mjs');
    // It was lost in one look of three, and then waited for for 15 s.
    for (let i = 0; i < 6; i++) {
      const startedAt = performance.now();
      const { code, stderr } = await runCommand(['attach', String(target.pid), '--yes', '--timeout', '100']);
      expect(code, stderr).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(12_000);
    }
  });

  it('looks into the workers of a cluster', async () => {
    const target = await Prepared.start(stage, 'looked-into-cluster.mjs', {
      // A worker's is one more, and 1 is none.
      execArgv: [`--inspect-port=${await freePair()}`],
    });
    await target.leak(target.ready.paused, 'x'.repeat(100_000));
    const { leaks, processes } = jsonOf(
      await runCommand(['attach', String(target.pid), '--yes', '--json', '--timeout', '500']),
    );
    expect(leaks).toMatchObject([{ cause: 'paused', pid: target.ready.workers[0] }]);
    expect(processes.map(({ pid }: any) => pid)).toEqual([...target.ready.workers, target.pid]);
  });
});
