import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, constants, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { parseLines, PRELOAD, SETTINGS, temporaryFile, type LogLine } from '../../support/preloaded.js';
import { environmentOfAUser, programs, root } from '../../support/programs.js';
import { blockingWriter, makeFifo, SlowReader } from '../../support/slow-reader.js';
import { until } from '../../support/until.js';

/** More than a pipe's 64 KiB or a socket's buffer holds. */
const LINES = 300;
const MANY_LINES = [path.join(programs, 'many-lines.mjs'), String(LINES)];
const MANY_LEAKS = [...PRELOAD, path.join(programs, 'many-leaks.mjs'), String(LINES)];
const ONE_LEAK = `
  const server = require('net').createServer(() => {}).listen(0, '127.0.0.1', () => {
    require('net').connect(server.address().port, '127.0.0.1').end('hello');
  });`;

interface Outlet {
  readonly child: ChildProcess;
  readonly printed: () => string;
  /** Takes what is there. */
  readonly read: () => string;
}

function launch(
  stage: Stage,
  stderr: 'pipe' | 'inherit' | number,
  env: Record<string, string> = {},
  uid?: number,
  args: readonly string[] = MANY_LINES,
): { child: ChildProcess; printed: () => string } {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { ...environmentOfAUser(), ...SETTINGS, ...env },
    stdio: ['ignore', 'pipe', stderr],
    timeout: 60_000,
    killSignal: 'SIGKILL',
    ...(uid === undefined ? {} : { uid }),
  });
  stage.defer(() => child.kill('SIGKILL'));
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { child, printed: () => text };
}

/** A socket pair, which is what Node gives a child for 'pipe'. */
function stderrSocket(stage: Stage, args = MANY_LINES): Outlet {
  const { child, printed } = launch(stage, 'pipe', {}, undefined, args);
  let text = '';
  child.stderr!.pause();
  const read = (): string => {
    if (child.stderr!.listenerCount('data') === 0) {
      child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()));
      child.stderr!.resume();
    }
    return text;
  };
  return { child, printed, read };
}

/** A blocking pipe, as a shell makes it. */
function stderrPipe(stage: Stage): Outlet {
  const fifo = makeFifo(stage);
  const reader = new SlowReader(stage, fifo);
  return { ...launch(stage, blockingWriter(stage, fifo)), read: () => reader.read() };
}

function fifoByPath(stage: Stage): Outlet {
  const fifo = makeFifo(stage);
  const reader = new SlowReader(stage, fifo);
  return { ...launch(stage, 'inherit', { CLOSE_WAIT_GUARD_LOG: fifo }), read: () => reader.read() };
}

const OUTLETS: [string, (stage: Stage) => Outlet][] = [
  ['stderr, a socket', stderrSocket],
  ['stderr, a pipe', stderrPipe],
  ['a FIFO', fifoByPath],
];

/** Lines of the log among others, parsed: one that is cut or glued to another throws. */
const linesOf = (text: string): LogLine[] =>
  parseLines(
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line.includes('{"event"'))
      .join('\n'),
  );

const written = ({ printed }: Outlet): Promise<boolean> =>
  until('the lines to be written', () => printed().includes('"written"'));

/** The longest stand-still of the program's event loop, from itself: it answers, or this waits in vain. */
async function worstBlockMs({ child, printed }: Outlet): Promise<number> {
  const before = printed().length;
  child.kill('SIGUSR1');
  const [line] = await until('the event loop to answer', () => /\{"worstBlockMs":.*\}/.exec(printed().slice(before)));
  return (JSON.parse(line) as { worstBlockMs: number }).worstBlockMs;
}

async function expectEachOnce({ read }: Outlet): Promise<void> {
  const lines = await until('every line', () => {
    const found = linesOf(read());
    return found.length >= LINES ? found : undefined;
  });
  expect(lines).toHaveLength(LINES);
  expect(new Set(lines.map(({ leak }) => leak.id)).size).toBe(LINES);
}

describe.each(OUTLETS)('a log that nobody reads for a while: %s', (_name, open) => {
  const stage = stageOfEachTest();

  it('does not hold up the program, and gets every line while it lives', async () => {
    const outlet = open(stage);
    await written(outlet);
    expect(await worstBlockMs(outlet)).toBeLessThan(1_000);
    await expectEachOnce(outlet);
    outlet.child.kill('SIGTERM');
    expect(await once(outlet.child, 'exit')).toEqual([null, 'SIGTERM']);
    expect(linesOf(outlet.read())).toHaveLength(LINES);
  });

  it('gets every line at exit', async () => {
    const outlet = open(stage);
    await written(outlet);
    const ended = once(outlet.child, 'close');
    outlet.child.kill('SIGUSR2');
    await expectEachOnce(outlet);
    expect(await ended).toEqual([0, null]);
  });

  it('that is never read costs an exiting program a second at most', async () => {
    const outlet = open(stage);
    await written(outlet);
    const startedAt = performance.now();
    outlet.child.kill('SIGUSR2');
    expect(await once(outlet.child, 'exit')).toEqual([0, null]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe('the preload', () => {
  const stage = stageOfEachTest();

  it('loses no leak behind a reader that is slow', async () => {
    const outlet = stderrSocket(stage, MANY_LEAKS);
    await until('the leaks to be made', () => outlet.printed().includes('"port"'));
    await expectEachOnce(outlet);
  });
});

describe('stderr that the program shares', () => {
  const stage = stageOfEachTest();

  it('a blocking pipe is as blocking afterwards', async () => {
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    const writer = blockingWriter(stage, fifo);
    // Without console: Node's own makes stderr non-blocking.
    const { child } = launch(stage, writer, {}, undefined, [...PRELOAD, '-e', ONE_LEAK]);
    await until('a line', () => linesOf(reader.read()).length > 0);
    expect(flagsOf(process.pid, writer) & constants.O_NONBLOCK).toBe(0);
    expect(flagsOf(child.pid!, 2) & constants.O_NONBLOCK).toBe(0);
  });

  it.each([
    ['a file that is not opened for appending: neither overwrites the other', 'w'],
    ['a file that is', 'a'],
  ])('%s', async (_name, flags) => {
    const file = temporaryFile(stage, 'stderr');
    const fd = openSync(file, flags);
    stage.defer(() => closeSync(fd));
    const outlet = { ...launch(stage, fd, { LINES_OF_ITS_OWN: '1' }), read: () => readFileSync(file, 'utf8') };
    await written(outlet);
    await until('a line of its own', () => outlet.read().includes('a line of the application\n'));
    await expectEachOnce(outlet);
    const others = outlet
      .read()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{"event"'));
    expect(new Set(others)).toEqual(new Set(['a line of the application']));
  });

  it('a pipe of another user, which cannot be opened again', async (context) => {
    context.skip(process.getuid?.() !== 0, 'needs root, to make a pipe that its program may not open');
    const nobody = 65_534;
    context.skip(!mayAs(nobody, '-r', MANY_LINES[0]!), 'needs a checkout that every user may read');
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    chmodSync(fifo, 0o600);
    expect(mayAs(nobody, '-w', fifo)).toBe(false);
    const outlet = { ...launch(stage, blockingWriter(stage, fifo), {}, nobody), read: () => reader.read() };
    await written(outlet);
    expect(await worstBlockMs(outlet)).toBeLessThan(1_000);
    await expectEachOnce(outlet);
  });
});

/** The flags of an fd's open file description, proc_pid_fdinfo(5). */
function flagsOf(pid: number, fd: number): number {
  const [, octal = ''] = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? [];
  return Number.parseInt(octal, 8);
}

function mayAs(uid: number, what: '-r' | '-w', file: string): boolean {
  try {
    execFileSync('test', [what, file], { uid });
    return true;
  } catch {
    return false;
  }
}
