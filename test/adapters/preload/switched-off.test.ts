import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { PRELOAD, SETTINGS, temporaryFile } from '../../support/preloaded.js';
import { jsonOf, runModule, runNode } from '../../support/programs.js';

/** What the library does to a process: addons, channels that somebody listens to, listeners of the process, timers. */
const LOOK = `
  import { channel } from 'node:diagnostics_channel';
  const look = () => ({
    addons: process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node')),
    subscribed: ['net.server.socket', 'net.client.socket', 'http.server.request.start', 'undici:client:sendHeaders',
      'fastify.initialization', 'tracing:fastify.request.handler:start'].filter((name) => channel(name).hasSubscribers),
    resources: process.getActiveResourcesInfo().filter((name) => name !== 'Immediate'),
  });
  const warnings = [];
  process.on('warning', ({ message }) => warnings.push(message));
`;
const NOTHING = { addons: [], subscribed: [] };

describe('CLOSE_WAIT_GUARD=off', () => {
  const stage = stageOfEachTest();

  it('the preload returns: nothing is loaded, opened or said', async () => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const outcome = await runModule(`${LOOK} console.log(JSON.stringify({ ...look(), warnings }));`, PRELOAD, {
      CLOSE_WAIT_GUARD: 'off',
      CLOSE_WAIT_GUARD_LOG: log,
      CLOSE_WAIT_GUARD_METRICS_PORT: 'none',
      CLOSE_WAIT_GUARD_TIMEOUT: '1',
    });
    expect(jsonOf(outcome)).toMatchObject({ ...NOTHING, warnings: [] });
    expect(outcome.stderr).toBe('');
    expect(existsSync(log)).toBe(false);
  });

  it.each(['off', '0', 'false'])('%s: the plugin registers and idles, without a warning', async (value) => {
    const code = `${LOOK}
      import Fastify from 'fastify';
      import closeWaitGuard, { createGuard } from 'close-wait-guard';
      const app = Fastify();
      app.register(closeWaitGuard);
      const guard = createGuard({ traceRequests: true, captureStacks: true });
      await app.listen({ port: 0, host: '127.0.0.1' });
      const seen = look();
      const { unsupportedReason } = app.closeWaitGuard.stats();
      const supported = [guard.supported, app.closeWaitGuard.supported];
      const { status } = await fetch(app.listeningOrigin + '/metrics');
      await app.close();
      console.log(JSON.stringify({ ...seen, supported, unsupportedReason, status, warnings }));`;
    const outcome = await runModule(code, [], { CLOSE_WAIT_GUARD: value });
    expect(jsonOf(outcome)).toMatchObject({
      ...NOTHING,
      supported: [false, false],
      unsupportedReason: 'it is turned off by CLOSE_WAIT_GUARD',
      status: 200,
      warnings: [],
    });
  });

  it('is what makes the difference', async () => {
    const outcome = await runModule(`${LOOK} console.log(JSON.stringify(look()));`, PRELOAD, {
      CLOSE_WAIT_GUARD: 'on',
    });
    const { addons, subscribed } = jsonOf(outcome);
    expect(addons).toHaveLength(1);
    expect(subscribed).toContain('net.server.socket');
  });
});

describe('an environment that is misspelt', () => {
  const stage = stageOfEachTest();

  it.each([
    ['CLOSE_WAIT_GUARD', 'disabled', /CLOSE_WAIT_GUARD is "disabled"; it takes on or off; on is used$/m],
    [
      'CLOSE_WAIT_GUARD_TIMEOUT',
      '5',
      /no environment variable "CLOSE_WAIT_GUARD_TIMEOUT"; there are CLOSE_WAIT_GUARD_TIMEOUT_MS, /,
    ],
    ['CLOSE_WAIT_GUARD_LOGS', 'x', /no environment variable "CLOSE_WAIT_GUARD_LOGS"; there are CLOSE_WAIT_GUARD_LOG, /],
  ])('%s=%s is a warning that names it, with and without the preload', async (name, value, warning) => {
    const preloaded = await runNode([...PRELOAD, '-p', '6 * 7'], { [name]: value });
    expect(preloaded).toMatchObject({ code: 0, stdout: '42\n', stderr: expect.stringMatching(warning) as string });
    const code = `import { createGuard } from 'close-wait-guard'; for (let i = 0; i < 3; i++) createGuard();`;
    const { stderr } = await runModule(code, [], { [name]: value });
    expect(stderr).toMatch(warning);
    expect(stderr.match(/CloseWaitGuardWarning/g), 'it is said once').toHaveLength(1);
  });

  it('CLOSE_WAIT_GUARD_REDACT keeps addresses out of the log', async () => {
    const log = temporaryFile(stage, 'leaks.jsonl');
    const code = `
      const net = require('node:net');
      const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
        net.connect(server.address().port, '127.0.0.1').end('hello');
      });
      const { readFileSync } = require('node:fs');
      setInterval(() => readFileSync(process.env.CLOSE_WAIT_GUARD_LOG, 'utf8') !== '' && process.exit(0), 10);`;
    await runNode([...PRELOAD, '-e', code], { ...SETTINGS, CLOSE_WAIT_GUARD_LOG: log, CLOSE_WAIT_GUARD_REDACT: '1' });
    const text = readFileSync(log, 'utf8');
    expect(text).toContain('from [redacted]');
    expect(text).not.toMatch(/127\.0\.0\.1|Address|Port"/);
  });
});
