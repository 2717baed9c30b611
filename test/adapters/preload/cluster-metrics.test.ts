import { spawn } from 'node:child_process';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRows, LISTEN } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { samplesOf, valueOf } from '../../support/metrics-page.js';
import { freePort, listening, request } from '../../support/metrics-port.js';
import { PRELOAD, SETTINGS, start } from '../../support/preloaded.js';
import { holderOf } from '../../support/holder.js';
import { environmentOfAUser, outcomeOf, root, spawnNode } from '../../support/programs.js';
import { until } from '../../support/until.js';

/** Several processes start and answer: asking them all the time would be what they do. */
const SELDOM = { timeoutMs: 30_000, everyMs: 50 };
const TOTALS = ['close_wait_leaks_total', 'close_wait_released_total', 'close_wait_duration_seconds_count'];

describe('CLOSE_WAIT_GUARD_METRICS_PORT in a cluster', () => {
  const stage = stageOfEachTest();

  async function cluster(): Promise<{
    port: number;
    page: () => Promise<string>;
    ask: () => Promise<{ heard: unknown[]; workers: number[] }>;
    workers: number[];
    stderr: () => string;
    primary: number;
  }> {
    const metricsPort = await freePort(stage);
    const { child, printed, stderr } = await start(stage, 'cluster-preloaded.mjs', {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(metricsPort),
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await listening(metricsPort);
    return {
      ...printed,
      primary: child.pid,
      stderr,
      page: async () => (await request(metricsPort)).body,
      ask: async () => {
        output = '';
        child.kill('SIGUSR2');
        const line = await until('the primary to answer', () => /^\{.*\}$/m.exec(output)?.[0]);
        return JSON.parse(line);
      },
    };
  }

  const heldOn = (port: number): number =>
    kernelRows().filter(({ localPort, state, inode }) => localPort === port && state === CLOSE_WAIT && inode !== 0)
      .length;

  it('the page is the sum of the workers, the kernel agrees, and no IPC message of ours is heard', async () => {
    const { port, page, ask, stderr } = await cluster();
    for (let i = 0; i < 6; i++) await stage.visit(port, 'hello');
    const text = await until(
      'six leaks on the page',
      async () => {
        const now = await page();
        return valueOf(now, 'close_wait_leaked_sockets') === 6 ? now : undefined;
      },
      SELDOM,
    );
    expect(heldOn(port)).toBe(6);
    expect(valueOf(text, 'close_wait_sockets', { server: `net:${port}` })).toBe(6);
    expect(valueOf(text, 'close_wait_leaks_found_total')).toBe(6);
    expect(valueOf(text, 'close_wait_unread_bytes')).toBe(30);
    expect(valueOf(text, 'close_wait_guard_info'), 'a maximum, not a sum').toBe(1);
    const names = samplesOf(text).map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
    expect(new Set(names).size, 'each series once').toBe(names.length);
    expect((await ask()).heard).toEqual([]);
    expect(stderr()).not.toContain('Warning');
  });

  it('totals do not fall when workers are killed, and new workers are counted too', async () => {
    const { port, page, ask, workers } = await cluster();
    const before = new Map<string, number>();
    let pages = 0;
    const look = async (): Promise<string> => {
      const text = await page();
      pages++;
      const now = new Map(
        samplesOf(text).map(({ name, labels, value }) => [`${name} ${JSON.stringify(labels)}`, value]),
      );
      for (const [series, value] of before) expect(now.get(series), series).toBeGreaterThanOrEqual(value);
      for (const [series, value] of now)
        if (TOTALS.some((name) => series.startsWith(`${name} `))) before.set(series, value);
      return text;
    };
    const total = async (): Promise<number> => valueOf(await look(), 'close_wait_leaks_found_total');
    let made = 0;
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 4; i++) await stage.visit(port, 'hello');
      made += 4;
      await until(`${made} leaks on the page`, async () => (await total()) === made, SELDOM);
      const victim = round === 0 ? workers[0]! : (await ask()).workers[0]!;
      process.kill(victim, 'SIGKILL');
      await until(
        'it to be replaced',
        async () => {
          await look();
          const now = (await ask()).workers;
          return now.length === 2 && !now.includes(victim);
        },
        SELDOM,
      );
      await until(
        'its sockets to be gone from the page',
        async () => {
          return valueOf(await look(), 'close_wait_leaked_sockets') === heldOn(port);
        },
        SELDOM,
      );
    }
    expect(await total()).toBe(made);
    expect(pages).toBeGreaterThan(4);
  }, 60_000);

  it('one page also for a process whose worker is blocked: what it said last', async () => {
    const { port, page, workers } = await cluster();
    for (let i = 0; i < 4; i++) await stage.visit(port, 'hello');
    await until('four leaks', async () => valueOf(await page(), 'close_wait_leaked_sockets') === 4);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    const from = performance.now();
    expect(valueOf(await page(), 'close_wait_leaked_sockets')).toBe(4);
    expect(performance.now() - from).toBeLessThan(4_000);
    for (const pid of workers) process.kill(pid, 'SIGCONT');
  });
});

describe('CLOSE_WAIT_GUARD_METRICS_PORT and other processes', () => {
  const stage = stageOfEachTest();

  it('two programs that are started with it share the page, and the second takes the port when the first is killed', async () => {
    const port = await freePort(stage);
    const env = { CLOSE_WAIT_GUARD_METRICS_PORT: String(port) };
    const first = await start(stage, 'leaky-server.mjs', env);
    await listening(port);
    const second = await start(stage, 'leaky-server.mjs', env);
    await until('both on one page', async () => {
      // A cause is a label once there is a leak of it.
      return valueOf((await request(port)).body, 'close_wait_leaked_sockets') === 2;
    });
    expect(kernelRows().filter(({ localPort, state }) => localPort === port && state === LISTEN)).toHaveLength(1);
    first.child.kill('SIGKILL');
    const page = await until('the second to have the port', () => request(port).catch(() => undefined));
    expect(valueOf(page.body, 'close_wait_leaked_sockets', { cause: 'never-read' })).toBe(1);
    expect(first.stderr() + second.stderr()).not.toContain('Warning');
  });

  it('worker threads are on the page of their process', async () => {
    const port = await freePort(stage);
    await start(stage, 'leaky-worker.mjs', { CLOSE_WAIT_GUARD_METRICS_PORT: String(port) });
    await listening(port);
    await until('the leak of the thread', async () => {
      return valueOf((await request(port)).body, 'close_wait_leaks_found_total') > 0;
    });
  });

  it('npm is left alone: the program that it starts has the port', async () => {
    const port = await freePort(stage);
    const script = 'setTimeout(() => {}, 15000)';
    const child = spawn('npm', ['exec', '--call', `node -e "${script}"`], {
      cwd: root,
      env: {
        ...environmentOfAUser(),
        ...SETTINGS,
        NODE_OPTIONS: PRELOAD.join(' '),
        CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    stage.defer(() => process.kill(-child.pid!, 'SIGKILL'));
    await listening(port);
    expect(kernelRows().filter(({ localPort, state }) => localPort === port && state === LISTEN)).toHaveLength(1);
    const holder = holderOf(port);
    expect(holder).toContain(script);
  });

  it('a port that is taken by a stranger is asked for again', async () => {
    const stranger = net.createServer();
    const port = await stage.listen(stranger);
    const child = spawnNode([...PRELOAD, '-e', 'setTimeout(() => {}, 20000)'], {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
    });
    stage.defer(() => child.kill('SIGKILL'));
    const said = outcomeOf(child);
    let stderr = '';
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    await until('the warning', () => stderr.includes('cannot be served'));
    await new Promise((resolve) => stranger.close(resolve));
    await until('the page', () => request(port).catch(() => undefined), { timeoutMs: 15_000 });
    child.kill('SIGKILL');
    expect((await said).signal).toBe('SIGKILL');
  });
});
