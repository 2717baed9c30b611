import { spawn } from 'node:child_process';
import net from 'node:net';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LISTEN, kernelRows } from '../../support/kernel-view.js';
import { stageOfEachTest } from '../../support/stage.js';
import { samplesOf, valueOf } from '../../support/metrics-page.js';
import { freePort, listening, request } from '../../support/metrics-port.js';
import { end, PRELOAD, SETTINGS, start, temporaryFile } from '../../support/preloaded.js';
import { environmentOfAUser, jsonOf, outcomeOf, root, runNode } from '../../support/programs.js';
import { until } from '../../support/until.js';

interface Command {
  readonly args: readonly string[];
  readonly env: Record<string, string>;
}

describe('a program with the preload', () => {
  const stage = stageOfEachTest();

  it('runs to its end as without it, and exits by itself', async () => {
    const plain = await runNode([...PRELOAD, '-e', 'console.log(process.argv.length)']);
    expect(plain).toEqual({ code: 0, signal: null, stdout: '1\n', stderr: '' });
  });

  it.each([
    ['--import', (file: string): Command => ({ args: ['--import', file], env: {} })],
    ['NODE_OPTIONS', (file: string): Command => ({ args: [], env: { NODE_OPTIONS: `--import ${file}` } })],
    ['-r', (file: string): Command => ({ args: ['-r', file], env: {} })],
  ])('may be started from another folder, with its absolute path: %s', async (_how, command) => {
    const { args, env } = command(path.join(root, 'dist/register.js'));
    const log = temporaryFile(stage, 'leaks.jsonl');
    const code = `
      const server = require('net').createServer(() => {}).listen(0, '127.0.0.1', () => {
        require('net').connect(server.address().port, '127.0.0.1').end('hello');
      });
      const { readFileSync } = require('fs');
      setInterval(() => readFileSync(process.env.CLOSE_WAIT_GUARD_LOG, 'utf8').includes('never-read') && process.exit(7), 10);`;
    const child = spawn(process.execPath, [...args, '-e', code], {
      cwd: '/',
      env: { ...environmentOfAUser(), ...SETTINGS, ...env, CLOSE_WAIT_GUARD_LOG: log },
      timeout: 45_000,
    });
    expect(await outcomeOf(child)).toEqual({ code: 7, signal: null, stdout: '', stderr: '' });
  });

  it('exits by itself also when it serves metrics', async () => {
    const port = await freePort(stage);
    const outcome = await runNode([...PRELOAD, '-e', 'setTimeout(() => console.log("done"), 200)'], {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
    });
    expect(outcome).toEqual({ code: 0, signal: null, stdout: 'done\n', stderr: '' });
  });

  it.each([
    ['CLOSE_WAIT_GUARD_TIMEOUT_MS', 'soon', '60000 is used'],
    ['CLOSE_WAIT_GUARD_INTERVAL_MS', '0', '1000 is used'],
    ['CLOSE_WAIT_GUARD_METRICS_PORT', '70000', 'it is left out'],
    ['CLOSE_WAIT_GUARD_RECLAIM', 'yes', 'it takes 1 or 0; 0 is used'],
    ['CLOSE_WAIT_GUARD_IGNORE', 'cause=paused;rout=/x', 'there is no option .*rout.*; nothing is ignored'],
  ])('runs with %s=%s, and is warned', async (name, value, words) => {
    const { code, stdout, stderr } = await runNode([...PRELOAD, '-p', '6 * 7'], { [name]: value });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
    expect(stderr).toMatch(new RegExp(`CloseWaitGuardWarning: close-wait-guard: ${name} .*${words}`));
  });
});

describe('CLOSE_WAIT_GUARD_METRICS_PORT', () => {
  const stage = stageOfEachTest();

  it('serves /metrics, and nothing else, on 127.0.0.1 and nowhere else', async () => {
    const port = await freePort(stage);
    const log = temporaryFile(stage, 'leaks.jsonl');
    const { child, printed } = await start(stage, 'leaky-server.mjs', {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
      CLOSE_WAIT_GUARD_LOG: log,
    });
    await listening(port);
    const page = await until('the leak on the page', async () => {
      const { status, body, type } = await request(port, '/metrics?x');
      expect(status).toBe(200);
      expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
      return valueOf(body, 'close_wait_leaks_found_total') > 0 ? body : undefined;
    });
    expect(valueOf(page, 'close_wait_sockets', { server: `net:${printed.port}` })).toBe(1);
    expect(valueOf(page, 'close_wait_leaked_sockets', { cause: 'never-read', side: 'inbound' })).toBe(1);
    expect(await request(port, '/')).toMatchObject({ status: 404, body: 'Not here: GET /metrics\n' });

    const listeners = kernelRows().filter(({ localPort, state }) => localPort === port && state === LISTEN);
    expect(listeners.map(({ localAddress }) => localAddress)).toEqual(['0100007F']);
    expect(await end(child), 'it keeps nothing alive').toBe(0);
  });

  it('that is taken is a warning, and the program runs', async () => {
    const port = await stage.listen(net.createServer());
    const { code, stdout, stderr } = await runNode([...PRELOAD, '-e', 'setTimeout(() => console.log("done"), 300)'], {
      CLOSE_WAIT_GUARD_METRICS_PORT: String(port),
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'done\n' });
    expect(stderr).toContain(`/metrics cannot be served on 127.0.0.1:${port} (listen EADDRINUSE`);
  });

  it('has a page of its own: the registry of the application is left alone', async () => {
    const port = await freePort(stage);
    const code = `
      const { Gauge, register } = require('prom-client');
      new Gauge({ name: 'close_wait_oldest_seconds', help: 'of the application' }).set(-7);
      const get = async () => {
        const page = await fetch('http://127.0.0.1:${port}/metrics').then((r) => r.text(), () => undefined);
        if (page === undefined) return setTimeout(get, 20);
        console.log(JSON.stringify({ page, own: await register.metrics() }));
      };
      get();`;
    const outcome = await runNode([...PRELOAD, '-e', code], { CLOSE_WAIT_GUARD_METRICS_PORT: String(port) });
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    const { page, own } = jsonOf(outcome);
    expect(valueOf(page, 'close_wait_oldest_seconds')).toBe(0);
    expect(samplesOf(own)).toEqual([{ name: 'close_wait_oldest_seconds', labels: {}, value: -7 }]);
  });

  it('shows that a program whose stderr was closed goes on', async () => {
    const port = await freePort(stage);
    const { child } = await start(stage, 'leaky-server.mjs', { CLOSE_WAIT_GUARD_METRICS_PORT: String(port) });
    child.stderr?.destroy();
    await listening(port);
    const page = async (): Promise<string> => (await request(port, '/metrics')).body;
    await until('the leak to be found', async () => valueOf(await page(), 'close_wait_leaks_found_total') > 0);
    child.kill('SIGUSR2');
    await until('its release', async () => valueOf(await page(), 'close_wait_released_total') > 0);
    expect(await end(child)).toBe(0);
  });
});
