import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LeakReport } from '../../../src/leaks/report.js';
import { EventLog, type EventLogOptions } from '../../../src/preload/event-log.js';
import { stageOfEachTest } from '../../support/stage.js';
import { temporaryFile } from '../../support/preloaded.js';
import { makeFifo, SlowReader } from '../../support/slow-reader.js';
import { until } from '../../support/until.js';

const SIZE = 700;

function leak(id: number, bytes = SIZE): LeakReport {
  return { id: String(id), explanation: 'x'.repeat(bytes) } as LeakReport;
}

interface Line {
  readonly event: string;
  readonly count?: number;
  readonly leak?: { readonly id: string };
}

const parsed = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
const ids = (lines: readonly Line[]): number[] => lines.flatMap(({ leak: found }) => (found ? [Number(found.id)] : []));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** What this process has open. */
const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });

describe('the log into a FIFO', () => {
  const stage = stageOfEachTest();

  it('opens it, and waits for a reader without holding anything up', async () => {
    const fifo = makeFifo(stage);
    const log = new EventLog(fifo);
    for (const id of upTo(20)) log.write('leak', leak(id));
    expect(log.waiting).toBe(20);
    const reader = new SlowReader(stage, fifo);
    await until('every line', () => log.waiting === 0);
    expect(ids(parsed(reader.read()))).toEqual(upTo(20));
  });

  it('keeps what a full one does not take, in order, and hooks the exit only for that long', async () => {
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    const hooks = process.listenerCount('exit');
    const log = new EventLog(fifo);
    for (const id of upTo(500)) log.write('leak', leak(id));
    expect(log.waiting).toBeGreaterThan(300);
    expect(process.listenerCount('exit')).toBe(hooks + 1);
    await until('every line', () => {
      reader.read(10_000);
      return log.waiting === 0;
    });
    expect(ids(parsed(reader.read()))).toEqual(upTo(500));
    expect(process.listenerCount('exit')).toBe(hooks);
  });

  it('writes a line longer than a pipe holds, piece by piece', async () => {
    const fifo = makeFifo(stage);
    const reader = new SlowReader(stage, fifo);
    const log = new EventLog(fifo);
    log.write('leak', leak(0, 200_000));
    log.write('leak', leak(1));
    await until('both lines', () => {
      reader.read();
      return log.waiting === 0;
    });
    const lines = parsed(reader.read());
    expect(ids(lines)).toEqual([0, 1]);
    expect(reader.text.length).toBeGreaterThan(200_000);
  });

  it('goes on when its reader left and another one comes', async () => {
    const fifo = makeFifo(stage);
    const first = new SlowReader(stage, fifo);
    const log = new EventLog(fifo);
    log.write('leak', leak(0));
    await until('the first line', () => first.read() !== '');
    first.close();
    log.write('leak', leak(1, 200_000));
    log.write('released', leak(1));
    expect(log.waiting).toBe(2);
    const second = new SlowReader(stage, fifo);
    await until('the lines that waited', () => {
      second.read();
      return log.waiting === 0;
    });
    expect(parsed(second.read()).map(({ event }) => event)).toEqual(['leak', 'released']);
  });

  it('whose reader leaves in the middle of a line: the next one gets it from its start', async () => {
    const fifo = makeFifo(stage);
    const first = new SlowReader(stage, fifo);
    const log = new EventLog(fifo);
    log.write('leak', leak(0, 200_000));
    await until('a part of it', () => first.read(1_000) !== '');
    first.close();
    await until('the log to notice', () => !openFiles().includes(fifo));
    const second = new SlowReader(stage, fifo);
    await until('all of it', () => {
      second.read();
      return log.waiting === 0;
    });
    expect(ids(parsed(second.read()))).toEqual([0]);
  });

  it.each<[string, EventLogOptions, number]>([
    ['lines', { limits: { lines: 50, bytes: 1e9 } }, SIZE],
    ['bytes', { limits: { lines: 1e9, bytes: 50 * SIZE } }, SIZE],
  ])('keeps a bounded number of %s, drops the oldest, and says how many', async (_what, options, bytes) => {
    const fifo = makeFifo(stage);
    const log = new EventLog(fifo, options);
    for (const id of upTo(300)) log.write('leak', leak(id, bytes));
    expect(log.waiting).toBe(300);
    const reader = new SlowReader(stage, fifo);
    await until('what is left', () => log.waiting === 0);
    const lines = parsed(reader.read());
    const [notice] = lines;
    expect(notice).toMatchObject({ event: 'dropped', pid: process.pid, threadId: 0 });
    expect(notice?.count).toBeGreaterThanOrEqual(250);
    expect(ids(lines)).toEqual(upTo(300).slice(notice?.count));
  });
});

describe('the log into a file', () => {
  const stage = stageOfEachTest();

  it.each([
    ['renamed', (file: string) => renameSync(file, `${file}.1`)],
    ['deleted', (file: string) => rmSync(file)],
    [
      'replaced by an empty one',
      (file: string) => {
        renameSync(file, `${file}.1`);
        writeFileSync(file, '');
      },
    ],
    [
      'renamed with its folder',
      (file: string) => {
        renameSync(path.dirname(file), `${path.dirname(file)}.old`);
        mkdirSync(path.dirname(file));
      },
    ],
  ])('that is %s goes on in the file that has its name now', async (_how, change) => {
    const file = path.join(temporaryFile(stage, 'logs'), 'x', 'leaks.jsonl');
    mkdirSync(path.dirname(file), { recursive: true });
    const log = new EventLog(file);
    log.write('leak', leak(0));
    expect(ids(parsed(readFileSync(file, 'utf8')))).toEqual([0]);
    change(file);
    let id = 1;
    await until('a line in the new file', () => {
      log.write('leak', leak(id++));
      return existsSync(file) && readFileSync(file, 'utf8') !== '';
    });
    const all = readdirSync(path.resolve(file, '../../..'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .flatMap((entry) => parsed(readFileSync(path.join(entry.parentPath, entry.name), 'utf8')));
    expect(new Set(ids(all)).size, 'no line is written twice').toBe(ids(all).length);
    expect(ids(parsed(readFileSync(file, 'utf8'))).at(-1)).toBe(id - 1);
  });

  it('whose folder is gone keeps its lines until it is there again', async () => {
    const file = path.join(temporaryFile(stage, 'logs'), 'leaks.jsonl');
    mkdirSync(path.dirname(file));
    const log = new EventLog(file);
    rmSync(path.dirname(file), { recursive: true });
    let id = 0;
    await until('a line to wait', () => {
      log.write('leak', leak(id++));
      return log.waiting > 0;
    });
    const waiting = log.waiting;
    mkdirSync(path.dirname(file));
    await until('the lines that waited', () => log.waiting === 0);
    expect(ids(parsed(readFileSync(file, 'utf8')))).toEqual(upTo(id).slice(id - waiting));
  });

  it('begins on a line of its own after what another process was cut short in', () => {
    const file = temporaryFile(stage, 'leaks.jsonl');
    writeFileSync(file, '{"event":"leak","ti');
    const log = new EventLog(file);
    log.write('leak', leak(0));
    appendFileSync(file, '{"cut":');
    log.write('leak', leak(1));
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.map((line) => line.slice(0, 19))).toEqual([
      '{"event":"leak","ti',
      '{"event":"leak","ti',
      '{"cut":',
      '{"event":"leak","ti',
      '',
    ]);
    expect(ids(parsed([lines[1], lines[3]].join('\n')))).toEqual([0, 1]);
  });

  it.each([
    ['info', ['leak', 'released', 'reclaimed']],
    ['warn', ['leak', 'reclaimed']],
    ['off', undefined],
  ] as const)('of level %s', (level, events) => {
    const file = temporaryFile(stage, 'leaks.jsonl');
    const log = new EventLog(file, { level });
    for (const event of ['leak', 'released', 'reclaimed'] as const) log.write(event, leak(0));
    const found = existsSync(file) ? parsed(readFileSync(file, 'utf8')).map(({ event }) => event) : undefined;
    expect(found).toEqual(events);
  });
});
