import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { end, parseLines, PRELOAD, SETTINGS, start, temporaryFile } from '../../support/preloaded.js';
import { runModule, runNode } from '../../support/programs.js';
import { makeFifo, SlowReader } from '../../support/slow-reader.js';
import { until } from '../../support/until.js';

const WRITERS = 2;
const LINES = 500;

/** Several threads of several processes that write at the same time. */
const MANY_WRITERS = `
  import { fork } from 'node:child_process';
  import { Worker } from 'node:worker_threads';
  import { EventLog } from './dist/preload/event-log.js';
  const write = \`
    import('./dist/preload/event-log.js').then(({ EventLog }) => {
      const log = new EventLog(process.env.FILE);
      for (let i = 0; i < ${LINES}; i++) log.write('leak', { id: 'x'.repeat(1000) });
    });\`;
  for (let i = 0; i < ${WRITERS}; i++) new Worker(write, { eval: true });
  for (let i = 0; i < ${WRITERS}; i++) fork('-e', [write], { execArgv: [], execPath: process.execPath });
`;

describe('a log that several write', () => {
  const stage = stageOfEachTest();

  it('threads and processes: every line is whole', async () => {
    const file = temporaryFile(stage, 'leaks.jsonl');
    const { code, stderr } = await runModule(MANY_WRITERS, [], { FILE: file });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = parseLines(readFileSync(file, 'utf8'));
    expect(lines).toHaveLength(2 * WRITERS * LINES);
    expect(new Set(lines.map(({ pid, threadId }) => `${pid} ${threadId}`)).size).toBe(2 * WRITERS);
  });
});

describe('a FIFO that nobody reads', () => {
  const stage = stageOfEachTest();

  it('does not keep the application from starting, nor its end from coming', async () => {
    const outcome = await runNode([...PRELOAD, '-e', 'console.log("the first line")'], {
      CLOSE_WAIT_GUARD_LOG: makeFifo(stage),
    });
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'the first line\n', stderr: '' });
  });

  it('gets what was found before its first reader came', async () => {
    const fifo = makeFifo(stage);
    const { child, stderr } = await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_LOG: fifo });
    await until('the warning', () => stderr().includes('a line could not be written (ENXIO'));
    const reader = new SlowReader(stage, fifo);
    const text = await until('a line', () => reader.read());
    expect(parseLines(text)).toMatchObject([{ event: 'leak', pid: child.pid }]);
    expect(await end(child)).toBe(0);
  });

  it('costs its lines at exit, and stderr says how many', async () => {
    const fifo = makeFifo(stage);
    const code = `
      const net = require('node:net');
      const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
        net.connect(server.address().port, '127.0.0.1').end('hello');
      });
      process.on('warning', () => process.exit(3));`;
    const outcome = await runNode([...PRELOAD, '-e', code], { ...SETTINGS, CLOSE_WAIT_GUARD_LOG: fifo });
    expect(outcome.code).toBe(3);
    expect(outcome.stderr).toMatch(
      /^close-wait-guard: 1 line is lost, which the log ".*log\.fifo" did not take \(ENXIO: /m,
    );
  });
});
