/**
 * When the page comes: with the defaults (`closeWaitTimeout` 60 s, a sample each second), a scrape and an evaluation every 15 s and the
 * rules as they are, how long after a client has left until Alertmanager tells. Takes some seven minutes, in which nothing is done.
 *
 *   node scripts/proof/paging.mjs --write
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { missing, MonitoringStack } from '../monitoring/stack.mjs';
import { writeTable } from './page.mjs';

/** As docs/runbook.md says: 60 s, two samples, a scrape, 5 minutes, and an evaluation before and after these. */
const AT_MOST_S = 60 + 2 + 15 + 300 + 2 * 15;

if (missing !== undefined) {
  process.stderr.write(`NOT TESTED HERE: when the page comes: ${missing}\n`);
  process.exit(1);
}
const root = path.join(import.meta.dirname, '../..');
const service = spawn(process.execPath, ['test/monitoring/leaks.mjs', '60000'], {
  ...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'] },
});
const stack = new MonitoringStack({ hurries: false });
try {
  const [line] = await once(service.stdout, 'data');
  const port = Number(String(line).split(' ')[0]);
  await stack.start([port]);
  const client = net.connect({ port, host: '127.0.0.1' });
  client.end('GET /orders/7 HTTP/1.1\r\nHost: shop\r\n\r\n');
  await once(client, 'finish');
  const leftAt = performance.now();
  const { atMs } = await stack.notice('firing', { alertname: 'CloseWaitLeak' }, 600_000);
  const seconds = (atMs - leftAt) / 1_000;
  const isInTime = seconds <= AT_MOST_S;
  console.log(`the page came ${seconds.toFixed(1)} s after the client had left; at most ${AT_MOST_S} s are promised`);
  if (process.argv.includes('--write')) {
    writeTable('paging', {
      title: 'When the page comes',
      text: 'With the defaults (`closeWaitTimeout` 60 s), a scrape and an evaluation every 15 s, and the rules as they are: from the moment the client left until Alertmanager told.',
      head: ['alert', 'seconds', 'at most', 'verdict'],
      rows: [['CloseWaitLeak', seconds.toFixed(1), String(AT_MOST_S), isInTime ? 'holds' : 'too late']],
      all: true,
    });
  }
  process.exitCode = isInTime ? 0 : 1;
} finally {
  service.kill('SIGKILL');
  await stack.stop();
}
