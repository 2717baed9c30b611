import type { ChildProcess } from 'node:child_process';
import { getDefaultHighWaterMark } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { runNode, spawnNode } from '../../support/programs.js';
import { post, Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';

const children: ChildProcess[] = [];
const stage = new Stage();
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await stage.clear();
});

/** Starts an example on a free port; resolves with the port it prints. */
async function start(args: string[], environment: Record<string, string> = {}) {
  const child = spawnNode(args, { PORT: '0', ...environment }, 60_000);
  children.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
  const port = Number(await until(`${args.join(' ')} to listen`, () => /^(?:http|tcp):.*:(\d+)$/m.exec(text)?.[1]));
  return { port, text: () => text };
}

/** A client that uploads more than Node buffers of a body nobody reads, and leaves. */
async function uploadAndLeave(port: number): Promise<number> {
  const client = await stage.visit(port, post('/photos/7', 90_000 + getDefaultHighWaterMark(false)));
  return client.port;
}

describe('the examples leak as they say, and say so', () => {
  it('fastify.mjs', async () => {
    const { port, text } = await start(['examples/fastify.mjs']);
    const client = await uploadAndLeave(port);
    await until('the leak', () => /^leaked: POST \/photos\/:id, request-body-not-read, fd \d+$/m.test(text()));
    expect(kernelRow(port, client)?.state).toBe(CLOSE_WAIT);
    // pino writes to a descriptor of its own accord, so its line may come after console.log's.
    await until('the log line', () =>
      /^\{"level":40,.*"msg":"Leaked socket: POST \/photos\/:id .* Fix: .*"\}$/m.test(text()),
    );
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    expect(page).toMatch(/^shop_close_wait_leaked_sockets\{.*route="\/photos\/:id",method="POST",.*\} 1$/m);
  });

  it('net-server.mjs', async () => {
    const { port, text } = await start(['examples/net-server.mjs']);
    const client = await stage.connect(port);
    client.say('hello');
    // An echo that arrives after the client has left would be answered by a RST.
    await until('the echo', () => client.text === 'hello');
    await client.close();
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
    await until('the leak', () =>
      /^leaked: The connection to echo from .*\nfix: {4}Call socket\.end\(\)/m.test(text()),
    );
    await until('its end', () => /^closed: fd \d+, after \d+ ms$/m.test(text()));
    expect(kernelRow(port, client.port)?.state).not.toBe(CLOSE_WAIT);
  });

  it('preload-app.mjs', async () => {
    const { port, text } = await start(['--import', 'close-wait-guard/register', 'examples/preload-app.mjs'], {
      CLOSE_WAIT_GUARD_TIMEOUT_MS: '1000',
    });
    const client = await uploadAndLeave(port);
    const line = await until('the leak', () => /^\{"event":"leak",.*\}$/m.exec(text())?.[0]);
    expect(kernelRow(port, client)?.state).toBe(CLOSE_WAIT);
    const { leak } = JSON.parse(line) as { leak: unknown };
    expect(leak).toMatchObject({
      method: 'POST',
      route: '/photos/:n',
      path: '/photos/7',
      cause: 'request-body-not-read',
      remotePort: client,
    });
  });
});

describe('examples/tests', () => {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--root', 'examples/tests'];

  it('is green as it is', async () => {
    const { code, stdout } = await runNode(vitest, { NO_COLOR: '1' }, 60_000);
    expect(stdout).toMatch(/Tests +3 passed \(3\)/);
    expect(code).toBe(0);
  }, 70_000);

  it('is red with LEAKY=1, and names the route and the fix', async () => {
    const { code, stdout, stderr } = await runNode(vitest, { NO_COLOR: '1', LEAKY: '1' }, 60_000);
    expect(stdout).toMatch(/Tests +3 failed \(3\)/);
    expect(stderr.match(/^ +Fix: Answer on every path.*reply\.code\(503\)/gm)).toHaveLength(3);
    expect(stderr).toMatch(/POST \/photos\/:id .*request-body-not-read/);
    expect(code).toBe(1);
  }, 70_000);
});
