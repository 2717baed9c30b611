// Runs one case twice, under the guard and with the same peer: as it leaks, and with the fix typed in. What becomes of the
// sockets is asked of the kernel, from outside.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectionsHeld, connectionsWaiting, isHeld, processTree } from '../../corpus/lib/kernel.mjs';
import { Peers, until } from '../../corpus/lib/peers.mjs';
import { leaksIn, listen, start, TIMEOUT_MS } from '../../corpus/lib/play.mjs';
import { HealthyClients } from './healthy.mjs';

/** When a fixed program's connections are to be gone, where the case does not say. */
const GONE_WITHIN_MS = 4_000;

/**
 * @param setting stage, node, register, sizes
 * @returns { leak, goneAfterMs } the report, and when the fixed program was rid of its connections; without `goneAfterMs` where
 * the fix is a step to a better report, which came
 * @throws Error that says what is wrong with the case, the report or the fix
 */
export async function tryFix(name, scenario, setting) {
  const leak = await leakOf(name, scenario, setting);
  assertIsAsExpected(leak, scenario.expect);
  const typedIn = scenario.fix.map(([, to]) => to).join('\n');
  for (const code of scenario.says) {
    assert(leak.fix.includes(code), `the report does not say "${code}": ${leak.fix}`);
    assert(typedIn.includes(code), `the fix does not type in "${code}"`);
  }
  return { leak, goneAfterMs: await (scenario.namedAs ? namedAs : goneAfter)(name, scenario, setting) };
}

async function leakOf(name, scenario, { stage, ...setting }) {
  const { kind, side } = scenario.expect;
  const running = await run(stage.asItIs(), name, scenario, { ...setting, log: stage.log(name) });
  try {
    await scenario.peer?.(running.peers);
    await until('a report', () => running.leaks().length > 0 || !running.child.alive(), 15 * TIMEOUT_MS);
    assertAlive(running);
    const [leak, ...others] = running.leaks();
    const held = isHeld(kind, side, running.judged, processTree(running.child.pid));
    assert(held, `the kernel has no leak of kind ${kind}; the report: ${leak?.explanation}`);
    assert.deepEqual(others, []);
    return leak;
  } finally {
    await running.stop();
  }
}

/** The fixed program still leaks, and its report tells more. */
async function namedAs(name, scenario, setting) {
  const running = await runFixed(name, scenario, setting);
  const isNamed = (leak) => Object.entries(scenario.namedAs).every(([field, value]) => leak[field] === value);
  try {
    await scenario.peer?.(running.peers);
    await until('a report that tells more', () => running.leaks().some(isNamed), 15 * TIMEOUT_MS);
    assertAlive(running);
  } finally {
    await running.stop();
  }
}

async function goneAfter(name, scenario, setting) {
  const running = await runFixed(name, scenario, setting);
  const held = () => connectionsHeld(scenario.expect.side, running.judged, processTree(running.child.pid));
  try {
    // It may end the connection before the peer has heard what the leaking program says.
    await scenario.peer?.(running.peers).catch(() => undefined);
    const begun = performance.now();
    const rid = () => (running.haveMet() && held() === 0) || !running.child.alive();
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

function runFixed(name, scenario, { stage, ...setting }) {
  return run(stage.fixed(name, scenario), name, scenario, { ...setting, log: stage.log(`${name}-fixed`) });
}

async function run(file, name, scenario, { node, register, sizes, log }) {
  const peers = new Peers(undefined, sizes);
  const upstream = scenario.upstream?.(sizes);
  const upstreamPort = upstream === undefined ? 0 : await listen(upstream, peers);
  let connected = false;
  upstream?.once('connection', () => (connected = true));
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
  /** Whether the connection has come about: before that there is none to be rid of. */
  const haveMet = () => (outbound ? connected : connectionsWaiting(judged) === 0);
  return { child, peers, judged, haveMet, leaks, stop };
}

/** Whose it is, is for the corpus's own runner to say. */
function assertIsAsExpected(leak, { cause, ...expected }) {
  assert([cause].flat().includes(leak.cause), `the cause is ${leak.cause}`);
  delete expected.owner;
  assert.deepEqual(pick(leak, expected), expected);
}

function pick(object, wanted) {
  return Object.fromEntries(Object.keys(wanted).map((key) => [key, object[key]]));
}

function assertAlive({ child }) {
  assert(child.alive(), `the program ended: ${child.errors()}`);
}
