import { spawnSync } from 'node:child_process';
import net from 'node:net';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createGuard } from '../../../src/guard/guard.js';
import { collectGuardMetrics } from '../../../src/metrics/prometheus.js';
import { stageOfEachTest } from '../../support/stage.js';
import { until } from '../../support/until.js';

describe('promtool', () => {
  const stage = stageOfEachTest();

  it('reads the page and finds nothing to complain of', async (context) => {
    const found = spawnSync('promtool', ['--version']).error === undefined;
    context.skip(!found, 'promtool is not installed (Debian: apt-get install prometheus)');
    const register = new Registry();
    const guard = createGuard({ closeWaitTimeout: 200, sampleInterval: 0 });
    stage.defer(() => guard.close());
    stage.defer(collectGuardMetrics(guard, { register }));
    const server = net.createServer(() => {});
    const port = await stage.listen(server);
    guard.watch(server, { name: 'smtp' });
    await stage.visit(port, 'hello');
    await until('a leak to be on the page', () => guard.leaks().length > 0);

    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await register.metrics(),
      encoding: 'utf8',
    });
    expect(`${stdout}${stderr}`).toBe('');
    expect(status).toBe(0);
  });
});
