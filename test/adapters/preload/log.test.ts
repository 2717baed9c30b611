import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kernelRow, socketInode } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { end, logLines, parseLines, PRELOAD, start, temporaryFile, type LogLine } from '../../support/preloaded.js';
import { until } from '../../support/until.js';

const LOADERS: [string, readonly string[]][] = [
  ['--import', PRELOAD],
  // require() of an ES module: Node 20.19 and later do it without a flag.
  ['-r', ['-r', 'close-wait-guard/register']],
];

describe('the log of the preload', () => {
  const stage = stageOfEachTest();

  it.each(LOADERS)('%s: is JSON lines in a file, appended, true to the kernel', async (_flag, nodeArgs) => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const earlier = { event: 'leak', time: '', pid: 1, threadId: 0, leak: {} };
    writeFileSync(log, `${JSON.stringify(earlier)}\n`);
    const startedAt = Date.now();
    const { child, printed, stderr } = await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_LOG: log }, nodeArgs);
    const line = await until('the leak in the log', () => logLines(log)[1]);
    expect(Object.keys(line)).toEqual(['event', 'time', 'pid', 'threadId', 'leak']);
    expect(line).toMatchObject({ event: 'leak', pid: child.pid, threadId: 0 });
    expect(Date.parse(line.time)).toBeGreaterThanOrEqual(startedAt);
    expect(Date.parse(line.time)).toBeLessThanOrEqual(Date.now());
    expect(line.leak).toMatchObject({
      kind: 'close-wait',
      cause: 'never-read',
      side: 'inbound',
      state: 'CLOSE_WAIT',
      server: `net:${printed.port}`,
      localPort: printed.port,
      unreadStreamBytes: 5,
    });
    const { fd, localPort, remotePort } = line.leak;
    expect(kernelRow(localPort!, remotePort!)).toMatchObject({ state: '08', inode: socketInode(fd, child.pid) });

    child.kill('SIGUSR2');
    const released = await until('the release in the log', () => logLines(log)[2]);
    expect(released).toMatchObject({ event: 'released', pid: child.pid, leak: { id: line.leak.id } });
    expect(await end(child)).toBe(0);
    expect(logLines(log)).toHaveLength(3);
    expect(logLines(log)[0]).toEqual(earlier);
    expect(stderr()).toBe('');
  });

  it('is stderr unless a file is named', async () => {
    const { child, printed, stderr } = await start(stage, 'leaky-server.mjs', {});
    await until('a line', () => stderr().includes('\n'));
    expect(parseLines(stderr())).toMatchObject([{ event: 'leak', leak: { localPort: printed.port } }]);
    expect(await end(child)).toBe(0);
  });

  it.each([
    ['in a folder that is not there', (file: string) => `${file}/none/leaks.jsonl`],
    ['that is a folder', (file: string) => file.replace(/\/[^/]*$/, '')],
    ['below something that is no folder', () => '/dev/null/leaks.jsonl'],
    ['of an fd that is not open', () => '/dev/fd/987'],
  ])('goes to stderr, with a warning, instead of into a file %s', async (_name, of) => {
    const log = of(temporaryFile(stage, 'x'));
    const { child, stderr } = await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_LOG: log });
    await until('a line', () => /^\{"event":"leak".*\}$/m.test(stderr()));
    expect(stderr()).toContain(`the log ${JSON.stringify(log)} cannot be opened`);
    expect(await end(child)).toBe(0);
  });

  it('that takes nothing does not hurt the program, and is said once', async () => {
    const { child, stderr } = await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_LOG: '/dev/full' });
    await until('the warning', () => stderr().includes('a line could not be written (ENOSPC'));
    child.kill('SIGUSR2');
    expect(await end(child)).toBe(0);
    expect(stderr().match(/could not be written/g)).toHaveLength(1);
  });
});

describe('NODE_OPTIONS takes the preload', () => {
  const stage = stageOfEachTest();
  const NODE_OPTIONS = PRELOAD.join('=');

  it('into child processes', async () => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const { child, printed } = await start(
      stage,
      'fork-leaky-server.mjs',
      { CLOSE_WAIT_GUARD_LOG: log, NODE_OPTIONS },
      [],
    );
    const line = await until('the leak in the log', () => logLines(log)[0]);
    expect(line.leak).toMatchObject({ localPort: printed.port, side: 'inbound' });
    expect(line.pid).not.toBe(child.pid);
    expect(kernelRow(printed.port, line.leak.remotePort!)?.inode).toBe(socketInode(line.leak.fd, line.pid));
    expect(await end(child)).toBe(0);
    expect(logLines(log).filter(({ event }) => event === 'leak')).toHaveLength(1);
  });

  it('into worker threads, where a leak is reported once, by the thread that owns it', async () => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const { child, printed } = await start(stage, 'leaky-worker.mjs', { CLOSE_WAIT_GUARD_LOG: log, NODE_OPTIONS }, []);
    const of = (port: number): LogLine[] => logLines(log).filter(({ leak }) => leak.localPort === port);
    await until('the leak of the worker', () => of(printed.inWorker).length > 0);
    await until('the later leak of the main thread', () => of(printed.port).length > 0);
    expect(of(printed.inWorker)).toMatchObject([{ event: 'leak', pid: child.pid, leak: { side: 'inbound' } }]);
    expect(of(printed.inWorker)[0]?.threadId).toBeGreaterThan(0);
    expect(of(printed.port)).toMatchObject([{ event: 'leak', threadId: 0 }]);
    expect(await end(child)).toBe(0);
  });
});
