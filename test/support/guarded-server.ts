import net, { type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGuard, type Guard } from '../../src/guard/guard.js';
import type { GuardOptions } from '../../src/guard/options.js';
import type { GuardRegistry } from '../../src/metrics/prometheus.js';
import { CLOSE_WAIT, kernelRows } from './kernel-view.js';
import { follow } from './reports.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export const ON_DEMAND = { closeWaitTimeout: 300, sampleInterval: 0 };

export function guardOn(stage: Stage, options: GuardOptions = ON_DEMAND): Guard {
  const guard = createGuard(options);
  stage.defer(() => guard.close());
  return guard;
}

/** A server that reads nothing and the guard that watches it. */
export async function leakyServer(stage: Stage, guard: Guard, name: string): Promise<{ server: Server; port: number }> {
  const server = net.createServer(() => {});
  const port = await stage.listen(server);
  guard.watch(server, { name });
  return { server, port };
}

export async function leak(stage: Stage, guard: Guard, port: number, count = 1): Promise<Socket[]> {
  for (let i = 0; i < count; i++) await stage.visit(port, 'hello');
  const seen = follow(guard);
  await until(`${count} leaks`, () => guard.leaks().filter(({ localPort }) => localPort === port).length === count);
  return seen.leaks.flatMap(({ id }) => seen.sockets.get(id) ?? []);
}

/** A scrape in a turn of its own: what was read in a turn is good for that turn. */
export async function scrape(register: GuardRegistry): Promise<string> {
  await nextTurn();
  return register.metrics();
}

export function held(port: number): number {
  return kernelRows().filter(({ localPort, state, inode }) => localPort === port && state === CLOSE_WAIT && inode !== 0)
    .length;
}
