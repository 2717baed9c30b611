import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Guard } from '../../src/guard/guard.js';
import { instrumentGuard } from '../../src/otel.js';
import { runIn } from '../adapters/testing/runner-projects.js';
import { guardOn } from '../support/guarded-server.js';
import { addonFile, root } from '../support/programs.js';
import { stageOfEachTest } from '../support/stage.js';
import { installed, play, run, SDKS } from './sdks.js';

describe('instrumentGuard', () => {
  const stage = stageOfEachTest();

  it.each<[object, string]>([
    [{ meterProvider: 'global' }, 'option meterProvider is "global"; it takes a MeterProvider or false'],
    [{ meterProvider: {} }, 'option meterProvider is [Object]; it takes a MeterProvider or false'],
    [{ loggerProvider: true }, 'option loggerProvider is true; it takes a LoggerProvider or false'],
    [{ loggerProvider: null }, 'option loggerProvider is null; '],
    [
      { meterProviders: [] },
      'there is no option "meterProviders"; the options are meterProvider, loggerProvider; did you mean meterProvider?',
    ],
  ])('refuses %o', (options, message) => {
    expect(() => instrumentGuard(guardOn(stage), options)).toThrow(
      expect.objectContaining({ code: 'CWG_ERR_OPTION', message: expect.stringContaining(message) }),
    );
  });

  it('refuses what is no guard', () => {
    expect(() => instrumentGuard({} as Guard)).toThrow(expect.objectContaining({ code: 'CWG_ERR_ARGUMENT' }));
  });

  it('leaves the guard as it was when it is disposed of, twice', () => {
    const guard = guardOn(stage);
    const listeners = (): number[] =>
      (['leak', 'released', 'reclaimed'] as const).map((event) => guard.listenerCount(event));
    const before = listeners();
    const dispose = instrumentGuard(guard);
    expect(listeners()).toEqual(before.map((count) => count + 1));
    dispose();
    dispose();
    expect(listeners()).toEqual(before);
    instrumentGuard(guard)();
  });

  it('with false for both it asks for nothing and tells nobody', () => {
    const guard = guardOn(stage);
    instrumentGuard(guard, { meterProvider: false, loggerProvider: false })();
    expect(guard.listenerCount('leak')).toBe(0);
  });
});

const missing = installed();

describe.each(SDKS)('with SDK $sdk', { timeout: 120_000 }, (sdk) => {
  it('the order does not matter: an SDK that is started later is found; the same guard twice is refused', async (context) => {
    const { conflict, metrics, events } = await play(context, missing, sdk, { program: ['late'] });
    expect(conflict).toEqual({
      code: 'CWG_ERR_METRICS_CONFLICT',
      message: 'close-wait-guard: this guard is reported to the global meter provider already',
    });
    const { points } = metrics.find(({ name }: any) => name === 'close_wait_guard.leaks_found');
    expect(points.map(({ value }: any) => value)).toEqual([1, 0, 0]);
    expect(events).toMatchObject([{ eventName: 'close_wait_guard.leak' }]);
  });

  it('where no SDK is started the process ends by itself', async (context) => {
    const { code, stdout, stderr } = await run(context, missing, sdk, { program: ['alone'] });
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '{"done":true}\n', stderr: '' });
  });

  it('the preload reports an application that knows nothing of it', async (context) => {
    const { events, metrics } = await play(context, missing, sdk, {
      program: ['preloaded'],
      env: {
        CLOSE_WAIT_GUARD_OTEL: '1',
        CLOSE_WAIT_GUARD_LOG_LEVEL: 'off',
        CLOSE_WAIT_GUARD_TIMEOUT_MS: '300',
        CLOSE_WAIT_GUARD_INTERVAL_MS: '50',
        NODE_OPTIONS: `--import ${path.join(root, 'dist/register.js')}`,
      },
    });
    expect(events).toMatchObject([
      { eventName: 'close_wait_guard.leak', attributes: { 'http.route': '/items/:n' }, span: { traceFlags: 1 } },
    ]);
    expect(metrics.map(({ name }: any) => name)).toContain('close_wait_guard.socket.leaked');
  });
});

describe('where @opentelemetry/api', () => {
  const stage = stageOfEachTest();

  /** A program's folder, with this package as npm puts it there and nothing else of what is installed here. */
  function project(api?: string): string {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-otel-'));
    stage.defer(() => rmSync(folder, { recursive: true, force: true }));
    const own = path.join(folder, 'node_modules/close-wait-guard');
    mkdirSync(own, { recursive: true });
    for (const part of ['dist', 'package.json'])
      cpSync(path.join(root, part), path.join(own, part), { recursive: true });
    symlinkSync(path.join(root, 'node_modules/fastify-plugin'), path.join(folder, 'node_modules/fastify-plugin'));
    if (api === undefined) return folder;
    const there = path.join(folder, 'node_modules/@opentelemetry/api');
    mkdirSync(there, { recursive: true });
    writeFileSync(
      path.join(there, 'package.json'),
      '{ "name": "@opentelemetry/api", "version": "1.2.0", "main": "index.js" }',
    );
    writeFileSync(path.join(there, 'index.js'), api);
    return folder;
  }

  const code = `
    import { createGuard } from 'close-wait-guard';
    import { instrumentGuard } from 'close-wait-guard/otel';
    try { instrumentGuard(createGuard()); } catch ({ code, message }) { console.log(code + ' ' + message); }`;
  const env = { CLOSE_WAIT_GUARD_ADDON: addonFile };

  it.each([
    [
      'is missing',
      undefined,
      /^CWG_ERR_PEER_VERSION close-wait-guard\/otel: @opentelemetry\/api is not installed .*: npm install @opentelemetry\/api\n$/,
    ],
    [
      'does not load',
      'throw new Error("out of order");',
      /^CWG_ERR_PEER_VERSION close-wait-guard\/otel: @opentelemetry\/api could not be loaded \(out of order\); /,
    ],
    [
      'is too old',
      'exports.context = exports.trace = {};',
      /^CWG_ERR_PEER_VERSION .* lacks metrics, .*; it takes version 1\.9 or later\n$/,
    ],
  ])('%s the import works, and the call names the package', async (_what, api, words) => {
    const { code: exit, stdout, stderr } = await runIn(project(api), ['--input-type=module', '-e', code], env);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toMatch(words);
  });

  it('is missing the preload warns, and the application runs', async () => {
    const folder = project();
    const args = ['--import', 'close-wait-guard/register', '-p', '6 * 7'];
    const { code: exit, stdout, stderr } = await runIn(folder, args, { ...env, CLOSE_WAIT_GUARD_OTEL: '1' });
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: '42\n' });
    expect(stderr).toMatch(
      /CloseWaitGuardWarning: .*CLOSE_WAIT_GUARD_OTEL has no effect: .*@opentelemetry\/api is not installed/,
    );
  });
});
