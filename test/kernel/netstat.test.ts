import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { expect, it } from 'vitest';
import { listenOverflows } from '../../src/kernel/netstat.js';
import { binding } from './binding.js';
import { stageOfEachTest } from '../support/stage.js';
import { until } from '../support/until.js';

const stage = stageOfEachTest();

const NEVER_ACCEPTS = `
import socket, sys, time
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(1)
print(s.getsockname()[1], flush=True)
time.sleep(60)`;

/** The long way round: the whole file as pairs. */
function overflowsInProc(): number {
  const [names, values] = readFileSync('/proc/self/net/netstat', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return Number(new Map(names!.map((name, i) => [name, values![i]])).get('ListenOverflows'));
}

it('the overflows of accept queues grow when one is full', async () => {
  const python = spawn('python3', ['-c', NEVER_ACCEPTS], { stdio: ['ignore', 'pipe', 'inherit'] });
  stage.defer(() => python.kill('SIGKILL'));
  const [line] = (await once(python.stdout, 'data')) as [Buffer];
  const before = listenOverflows(binding)!;
  expect(before).toBeLessThanOrEqual(overflowsInProc());
  for (let i = 0; i < 8; i++) {
    const client = net.connect(Number(String(line)), '127.0.0.1').on('error', () => undefined);
    stage.defer(() => client.destroy());
  }
  await until('an overflow', () => listenOverflows(binding)! > before);
  expect(listenOverflows(binding)).toBeLessThanOrEqual(overflowsInProc());
});
