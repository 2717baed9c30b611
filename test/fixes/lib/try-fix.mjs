// Runs one case twice, under the guard and with the same peer: as it leaks, and with the fix typed in. What becomes of the
// sockets is asked of the kernel, from outside.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionsHeld, isHeld, processTree } from '../../corpus/lib/kernel.mjs';
import { Peers, until } from '../../corpus/lib/peers.mjs';
import { leaksIn, listen, start, TIMEOUT_MS } from '../../corpus/lib/play.mjs';
import { HealthyClients } from './healthy.mjs';

/** When a fixed program's connections are to be gone, where the case does not say. */
const GONE_WITHIN_MS = 4_000;

/**
 * @param setting stage, node, register, sizes
 * @returns { leak, goneAfterMs } the report, and when the fixed program was rid of its connections
 * @throws Error that says what is wrong with the case, the report or the fix
 */
export async function tryFix(name, scenario, setting) {
  const leak = await leakOf(name, scenario, setting);
  assert.deepEqual(pick(leak, scenario.expect), scenario.expect);
  const typedIn = scenario.fix.map(([, to]) => to).join('\n');
  for (const code of scenario.says) {
    assert(leak.fix.includes(code), `the report does not say "${code}": ${leak.fix}`);
    assert(typedIn.includes(code), `the fix does not type in "${code}"`);
  }
  return { leak, goneAfterMs: await goneAfter(name, scenario, setting) };
}

async function leakOf(name, scenario, { stage, ...setting }) {
  const { kind, side } = scenario.expect;
  const running = await run(stage.asItIs(), name, scenario, { ...setting, log: stage.log(name) });
  try {
    await scenario.peer?.(running.peers);
    await until('a report', () => running.leaks().length > 0 || !running.child.alive(), 15 * TIMEOUT_MS);
    assertAlive(running);
    assert(isHeld(kind, side, running.judged, processTree(running.child.pid)), 'the kernel has no such leak');
    const [leak, ...others] = running.leaks();
    assert.deepEqual(others, []);
    return leak;
  } finally {
    await running.stop();
  }
}

async function goneAfter(name, scenario, { stage, ...setting }) {
  const running = await run(stage.fixed(name, scenario), name, scenario, {
    ...setting,
    log: stage.log(`${name}-fixed`),
  });
  const held = () => connectionsHeld(scenario.expect.side, running.judged, processTree(running.child.pid));
  try {
    // It may end the connection before the peer has heard what the leaking program says.
    await scenario.peer?.(running.peers).catch(() => undefined);
    const begun = performance.now();
    const rid = () => held() === 0 || !running.child.alive();
    await until('the fixed program to be rid of its connections', rid, scenario.goneWithinMs ?? GONE_WITHIN_MS);
    const goneAfterMs = performance.now() - begun;
    assertAlive(running);
    await scenario.healthy?.(new HealthyClients(running.peers.port));
    // An exception that nobody catches comes in a later turn.
    await sleep(100);
    assertAlive(running);
    return Math.round(goneAfterMs);
  } finally {
    await running.stop();
  }
}

async function run(file, name, scenario, { node, register, sizes, log }) {
  const peers = new Peers(undefined, sizes);
  const upstream = scenario.upstream?.(sizes);
  const upstreamPort = upstream === undefined ? 0 : await listen(upstream, peers);
  const child = start(node, register, log, [file, name, String(upstreamPort)]);
  const stop = async () => {
    peers.end();
    upstream?.close();
    await child.stop();
  };
  try {
    peers.port = await child.listening;
  } catch (error) {
    await stop();
    throw error;
  }
  const outbound = scenario.expect.side === 'outbound';
  const judged = outbound || peers.port === undefined ? upstreamPort : peers.port;
  const leaks = () => leaksIn(log).filter((leak) => leak[outbound ? 'remotePort' : 'localPort'] === judged);
  return { child, peers, judged, leaks, stop };
}

function pick(object, wanted) {
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, object[key]]));
}

function assertAlive({ child }) {
  assert(child.alive(), `the program ended: ${child.errors()}`);
}
