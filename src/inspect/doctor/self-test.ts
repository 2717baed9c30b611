import { once } from 'node:events';
import net from 'node:net';
import { monotonicMs } from '../../base/clock.js';
import { createGuard } from '../../guard/guard.js';
import { messageOf } from '../../kernel/self-check.js';
import { duration } from '../../leaks/phrases.js';
import { wait } from '../attach/wait.js';
import { inspectProcess } from '../processes/report.js';
import { ok, problem, type Finding } from './finding.js';

const TIMEOUT_MS = 200;
const PATIENCE_MS = 10_000;

/** Makes a leak on loopback, and sees whether the guard and `inspect` find it. It is closed again. */
export async function selfTest(signal: AbortSignal): Promise<Finding[]> {
  const guard = createGuard({ closeWaitTimeout: TIMEOUT_MS, sampleInterval: 50 });
  // Nobody reads, so that the client's FIN is never seen: the plainest leak there is.
  const server = net.createServer({ pauseOnConnect: true });
  let accepted: net.Socket | undefined;
  server.on('connection', (socket) => (accepted = socket));
  const startedMs = monotonicMs();
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening', { signal });
    const { port } = server.address() as net.AddressInfo;
    const client = net.connect(port, '127.0.0.1').on('error', () => undefined);
    client.end('leaked');
    while (guard.leaks().length === 0 && monotonicMs() - startedMs < PATIENCE_MS) await wait(20, signal);
    signal.throwIfAborted();
    const [leak] = guard.leaks();
    const tookMs = monotonicMs() - startedMs;
    return [
      leak
        ? ok(
            'self-test',
            `the guard would see a leak here: it found one on loopback after ${duration(tookMs)} (${leak.kind}, ${leak.cause})`,
          )
        : problem(
            'self-test',
            `the guard would NOT see a leak here: one on loopback was not found in ${duration(PATIENCE_MS)}`,
            'the lines above say what is missing',
          ),
      await inspectItself(leak?.id, signal),
    ];
  } catch (error) {
    signal.throwIfAborted();
    return [
      problem(
        'self-test',
        `no leak could be made on loopback: ${messageOf(error)}`,
        'it listens on 127.0.0.1 for a moment: allow that',
      ),
    ];
  } finally {
    accepted?.destroy();
    server.close();
    guard.close();
  }
}

async function inspectItself(id: string | undefined, signal: AbortSignal): Promise<Finding> {
  const text = 'inspect would see it from outside';
  try {
    const { leaks } = await inspectProcess(process.pid, { timeoutMs: TIMEOUT_MS, all: false, signal });
    const found = leaks.some((leak) => id === undefined || leak.id === undefined || leak.id === id);
    return found
      ? ok('self-test', text)
      : problem('self-test', `${text}: it did not`, 'the lines above say what is missing');
  } catch (error) {
    signal.throwIfAborted();
    return problem('self-test', `${text}: it did not (${messageOf(error)})`, 'the lines above say what is missing');
  }
}
