import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRows } from '../support/kernel-view.js';
import { samplesOf, valueOf } from '../support/metrics-page.js';
import { freePort, listening, request } from '../support/metrics-port.js';
import { logLines, start, temporaryFile } from '../support/preloaded.js';
import { stageOfEachTest, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';
import { ATTACKS, leaveNasty } from './clients.js';

/** How long a sample may hold the event loop on a machine that does other things too, s. */
const SAMPLE_AT_MOST_S = 0.25;
/** Series of one page, whatever the clients do. */
const SERIES_AT_MOST = 1_200;

interface App {
  readonly port: number;
  readonly metrics: number;
  readonly log: string;
  readonly pid: number;
}

async function startApp(stage: Stage): Promise<App> {
  const metrics = await freePort(stage);
  const log = temporaryFile(stage, 'leaks.jsonl');
  const { child, printed } = await start(stage, '../../hostile/programs/app.mjs', {
    CLOSE_WAIT_GUARD_LOG: log,
    CLOSE_WAIT_GUARD_METRICS_PORT: String(metrics),
    CLOSE_WAIT_GUARD_TIMEOUT_MS: '1000',
  });
  await listening(metrics);
  return { port: printed.port, metrics, log, pid: child.pid! };
}

const halfClosed = ({ port }: App): number =>
  kernelRows().filter((row) => row.localPort === port && row.state === CLOSE_WAIT && row.inode !== 0).length;

/** It answers, its samples are short, its page is small, and its log is JSON line by line. */
async function expectUnhurt(app: App): Promise<string> {
  const { status, body } = await request(app.port, '/');
  expect([status, body]).toEqual([200, 'alive']);
  const page = (await request(app.metrics)).body;
  expect(valueOf(page, 'close_wait_guard_sample_seconds')).toBeLessThan(SAMPLE_AT_MOST_S);
  expect(samplesOf(page).length).toBeLessThan(SERIES_AT_MOST);
  const failed = samplesOf(page).filter(({ name, value }) => name === 'close_wait_guard_errors_total' && value > 0);
  expect(failed).toEqual([]);
  logLines(app.log);
  return page;
}

describe('a server with the preload stays up, quick and in its bounds', { timeout: 120_000 }, () => {
  const stage = stageOfEachTest();

  it.each(Object.entries(ATTACKS))('%s', async (_name, { run, leaks }) => {
    const app = await startApp(stage);
    await run(stage, app.port);
    // Whatever the kernel has as half-closed is found, once each, and nothing else is called close-wait.
    const all = async (): Promise<boolean> => {
      const page = (await request(app.metrics)).body;
      const rows = samplesOf(page).filter(({ name }) => name === 'close_wait_leaked_sockets');
      const count = (of: typeof rows): number => of.reduce((sum, { value }) => sum + value, 0);
      const found = count(rows.filter(({ labels }) => labels.kind === 'close-wait'));
      return count(rows) >= leaks && found === halfClosed(app);
    };
    await until('every half-closed socket to be a leak', all, { timeoutMs: 20_000 });
    await expectUnhurt(app);
    const ids = logLines(app.log)
      .filter(({ event }) => event === 'leak')
      .map(({ leak }) => leak.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('a path and headers that break a log or a page come out escaped', async () => {
    const app = await startApp(stage);
    await leaveNasty(stage, app.port);
    await until('those that Node lets through to be told', () => logLines(app.log).length >= 2);
    const page = await expectUnhurt(app);
    const text = readFileSync(app.log, 'latin1') + page;
    // Printable ASCII and line feeds, and no line that a client has written.
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    expect(logLines(app.log).map(({ event }) => event)).not.toContain('forged');
    expect(text).not.toContain('hunter2');
  });
});
