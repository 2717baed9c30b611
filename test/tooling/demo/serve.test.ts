import { execFile, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRows, socketInode } from '../../support/kernel-view.js';
import { outcomeOf, runNode, spawnNode, type Outcome } from '../../support/programs.js';
import { until } from '../../support/until.js';

const program = 'examples/demo/serve.mjs';
const bash = promisify(execFile);

interface Served {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly text: () => string;
  readonly url: string;
  /** Sends the signal and waits for the end. */
  readonly stop: (signal: NodeJS.Signals) => Promise<Outcome>;
}

let served: Served | undefined;
afterEach(() => {
  served?.child.kill('SIGKILL');
  served = undefined;
});

async function serve(): Promise<Served> {
  const child = spawnNode([program], { PORT: '0' }, 60_000);
  let text = '';
  child.stdout?.on('data', (chunk) => (text += String(chunk)));
  const outcome = outcomeOf(child);
  const url = await until('the app to say where it is', () => /^ +http +(http:\S+)/m.exec(text)?.[1]);
  await until('the app to say how it is stopped', () => text.includes('Ctrl-C'));
  served = {
    child,
    text: () => text,
    url,
    stop: (signal) => {
      child.kill(signal);
      return outcome;
    },
  };
  return served;
}

describe('npm start', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('serves /metrics until %s, and then exits with 0', async (signal) => {
    const { url, stop } = await serve();
    const response = await fetch(`${url}/metrics`);
    expect(response.status).toBe(200);
    expect(await response.text()).toMatch(/^close_wait_leaked_sockets\{kind="close-wait"\} 0$/m);
    expect(await stop(signal)).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('leaks when its printed commands are typed, says so, closes the leaks, and stops', async (context) => {
    const curl = await bash('curl', ['--version']).then(
      () => true,
      () => false,
    );
    context.skip(!curl, 'there is no curl here: apt-get install curl');
    const { child, url, text, stop } = await serve();
    const commands = text().match(/^ +(head|curl|echo) .*$/gm) ?? [];
    const leaky = commands.filter((command) => command.includes('-m 1'));
    expect(leaky).toHaveLength(3);
    await Promise.all(
      leaky.map(async (command) => {
        // 28 is curl's own "time-out": it gave up and left.
        await expect(bash('bash', ['-c', command])).rejects.toMatchObject({ code: 28 });
      }),
    );
    const healthy = commands.find((command) => command.includes('-X PUT'));
    expect((await bash('bash', ['-c', healthy ?? 'false'])).stdout).toMatch(/^\{"id":"7","bytes":\d{5,}\}$/);

    const leaks = await until('three leaks', async () => {
      const found = (await (await fetch(`${url}/leaks`)).json()) as Leak[];
      return found.length === 3 ? found : undefined;
    });
    expect(leaks.map(({ server, route, cause }) => [route ?? server, cause]).sort()).toEqual([
      ['/items/:id', 'request-body-not-read'],
      ['collector', 'never-read'],
      ['smtp', 'half-open-not-ended'],
    ]);
    for (const leak of leaks) {
      const row = kernelRows().find((r) => r.localPort === leak.localPort && r.remotePort === leak.remotePort);
      expect(row?.state).toBe(CLOSE_WAIT);
      expect(row?.inode).toBe(socketInode(leak.fd, child.pid));
    }
    // The app prints each leak when a timed sample reports it, or the look above did.
    expect(text().match(/^ +LEAK /gm)).toHaveLength(3);

    const [close] = commands.filter((command) => command.includes('-X DELETE'));
    expect(JSON.parse((await bash('bash', ['-c', close ?? 'false'])).stdout)).toEqual({
      closed: { uploads: 1, sessions: 1, newcomers: 1 },
    });
    await until('the kernel to have none of them in CLOSE_WAIT', () => {
      const ports = new Set(leaks.map(({ localPort }) => localPort));
      return !kernelRows().some(({ localPort, state }) => ports.has(localPort) && state === CLOSE_WAIT);
    });
    await until('the app to say that they are closed', () => text().match(/^ +CLOSED /gm)?.length === 3);
    expect(await stop('SIGTERM')).toMatchObject({ code: 0, stderr: '' });
  }, 40_000);

  it('says which PORT it takes, and when a port is taken', async () => {
    for (const PORT of ['many', '65533', '-1', '1.5']) {
      const { code, stderr } = await runNode([program], { PORT });
      expect(code).toBe(2);
      expect(stderr).toBe(`PORT is "${PORT}"; it takes a number from 0 (any free port) to 65532.\n`);
    }
    const occupant = createServer().listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const { code, stderr } = await runNode([program], { PORT: String(Math.min(port, 65_532)) });
    occupant.close();
    expect(code).toBe(1);
    expect(stderr).toContain('EADDRINUSE');
    expect(stderr).toContain('Set PORT to another number');
  });
});

interface Leak {
  readonly server: string;
  readonly route?: string;
  readonly cause: string;
  readonly fd: number;
  readonly localPort: number;
  readonly remotePort: number;
}
