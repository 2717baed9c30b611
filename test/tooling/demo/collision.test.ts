import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { root, runNode, type Outcome } from '../../support/programs.js';

const DEADLINE_MS = 30_000;
const here = import.meta.dirname;
const collide = (environment: Record<string, string> = {}): Promise<Outcome> =>
  runNode(['examples/demo/main.mjs', '--collision'], environment, DEADLINE_MS);

describe('npm run demo -- --collision', () => {
  let outcome: Outcome;
  let out: string;
  beforeAll(async () => {
    outcome = await collide();
    out = outcome.stdout;
  }, DEADLINE_MS + 5_000);

  /** What cannot be had on this machine is not tested on it, and the summary says so. */
  function needs(context: TestContext, what: string): void {
    for (const [, shown, why] of out.matchAll(/^NOT SHOWN: (the collision.*?): (.*)$/gm)) {
      if (what.startsWith(shown!)) context.skip(`${shown}: ${why}`);
    }
  }

  it('ends by itself with exit 0, and nothing on stderr', () => {
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('shows the leak outliving the client’s end', (context) => {
    needs(context, 'the collision');
    const port = clientPortOf(chapterOf(out, 1));
    expect(rowsOf(chapterOf(out, 1))).toContain(`server CLOSE-WAIT 127.0.0.1:8080 127.0.0.1:${port}`);
    expect(words(chapterOf(out, 1))).toMatch(
      /guard POST \/items\/:id, fd \d+, .*close-wait, request-body-not-read, id \d+/,
    );
    expect(rowsOf(chapterOf(out, 2))).toEqual([`server CLOSE-WAIT 127.0.0.1:8080 127.0.0.1:${port}`]);
  });

  it('shows the new connection alive on the same port pair, and the leak gone from the list', (context) => {
    needs(context, 'the collision');
    const port = clientPortOf(chapterOf(out, 1));
    const chapter = chapterOf(out, 3);
    expect(rowsOf(chapter)).toEqual([
      `server ESTAB 127.0.0.1:8080 127.0.0.1:${port}`,
      `client ESTAB 127.0.0.1:${port} 127.0.0.1:8080`,
    ]);
    expect(words(chapter)).toMatch(/client connected after \d+ ms and got "HTTP\/1\.1 200 OK"/);
  });

  it('shows the guard still holding the leak’s name, fd and id, now as a reset', (context) => {
    needs(context, 'the collision');
    const [before, after] = [words(chapterOf(out, 1)), words(chapterOf(out, 3))];
    const [, fd, id] = /fd (\d+), .* id (\d+)/.exec(before) ?? [];
    expect(after).toMatch(new RegExp(`/proc/self/fd/${fd} -> socket:\\[\\d+\\] is still open`));
    expect(after).toContain(
      `still has it: id ${id}, fd ${fd}, POST /items/:id, 8080 - ${clientPortOf(before)}, was close-wait, is now reset (state CLOSE)`,
    );
  });

  it('shows connect() hanging in SYN-SENT against CLOSE-WAIT where RSTs are dropped', (context) => {
    needs(context, 'the collision with RSTs dropped');
    const chapter = chapterOf(out, 4);
    const port = clientPortOf(chapter);
    expect(rowsOf(chapter)).toEqual([
      `server CLOSE-WAIT 127.0.0.1:8080 127.0.0.1:${port}`,
      `client SYN-SENT 127.0.0.1:${port} 127.0.0.1:8080`,
    ]);
    expect(words(chapter)).toMatch(/client connect\(\) hung; it gave up after \d+\.\d s/);
    expect(words(chapter)).toMatch(/RSTs to those, [1-9]\d* so far, never arrive/);
    expect(words(chapter)).toMatch(/guard POST \/items\/:id holds the port pair: fd \d+, close-wait, id \d+/);
  });

  it('shows the same leak on the same port pair reclaimed, and named in the event', (context) => {
    needs(context, 'the collision with RSTs dropped');
    const port = clientPortOf(chapterOf(out, 4));
    const chapter = chapterOf(out, 5);
    const [leaked = '', newcomer = ''] = chapter.split('A new client connects');
    expect(rowsOf(leaked)).toContain(`server CLOSE-WAIT 127.0.0.1:8080 127.0.0.1:${port}`);
    const fd = /^ +server .* node, fd (\d+)$/m.exec(leaked)?.[1] ?? 'no fd';
    expect(words(leaked)).toMatch(
      new RegExp(
        `'reclaimed' POST /items/:id, fd ${fd}, 8080 - ${port}, close-wait, id \\d+, \\d+\\.\\d s after the client left ` +
          'what POST /items/:id \\(http:8080\\) has neither read its request body .* nor answered; the client left ',
      ),
    );
    expect(words(leaked)).toContain(`has no socket on 8080 - ${port} any more, at neither end; fd ${fd} is free`);
    expect(newcomer).not.toBe('');
  });

  it('shows the client get in from that port, with and without reclaim side by side', (context) => {
    needs(context, 'the collision with RSTs dropped');
    const port = clientPortOf(chapterOf(out, 4));
    const newcomer = chapterOf(out, 5).split('A new client connects')[1] ?? '';
    expect(rowsOf(newcomer)).toEqual([
      `server ESTAB 127.0.0.1:8080 127.0.0.1:${port}`,
      `client ESTAB 127.0.0.1:${port} 127.0.0.1:8080`,
    ]);
    expect(newcomer).toMatch(/^ +false +held the port pair in CLOSE-WAIT +hung for [3-9],\d{3} ms, and gave up$/m);
    expect(newcomer).toMatch(/^ +true +destroyed \d+\.\d s after the client left +took [\d,]+ ms$/m);
    expect(words(out)).toMatch(/Done: .* it locks the client out\. A guard with `reclaim` ends it/);
  });
});

/** What the demo is run with, what it must find, and what it had shown by then. */
const SABOTAGE: [string, string, string, string][] = [
  [
    'a guard that sees nothing',
    'blind-guard.mjs',
    'The guard has it in state CLOSE, as a reset\n',
    'A new client connects from port',
  ],
  [
    'a guard that says it has reclaimed, and has not',
    'timid-guard.mjs',
    'The reclaimed socket is gone from the kernel; found: ',
    'The same with `reclaim: true`',
  ],
];

describe.concurrent('exits with 1 when what it claims is not true:', () => {
  it.for(SABOTAGE)('%s', { timeout: DEADLINE_MS + 5_000 }, async ([, program, claim, lastChapter], context) => {
    const { code, stdout, stderr } = await collide({ NODE_OPTIONS: `--import=${path.join(here, program)}` });
    const missing = /^NOT SHOWN: (.*)$/m.exec(stdout)?.[1];
    context.skip(missing !== undefined, missing);
    expect(stderr).toContain(`NOT TRUE HERE: ${claim}`);
    expect(code).toBe(1);
    expect(words(stdout)).toContain(lastChapter);
    expect(stdout).not.toContain('Done:');
  });
});

describe('where the collision cannot be shown', () => {
  let tools: string;
  beforeAll(async () => {
    tools = await fs.mkdtemp(path.join(os.tmpdir(), 'close-wait-guard-tools-'));
  });
  afterAll(() => fs.rm(tools, { recursive: true, force: true }));

  /** A tool that this machine refuses to run; it stands before the real one in PATH. */
  async function refuse(tool: string, message: string): Promise<void> {
    await fs.writeFile(path.join(tools, tool), `#!/bin/sh\n[ "$1" = -V ] && exit 0\necho '${message}' >&2\nexit 1\n`, {
      mode: 0o755,
    });
  }
  const withTools = (): Promise<Outcome> => collide({ PATH: `${tools}:${process.env.PATH ?? ''}` });

  it('says why there is no namespace and what to do, and exits with 0', async () => {
    await refuse('unshare', 'unshare: unshare failed: Operation not permitted');
    const { code, stdout, stderr } = await withTools();
    expect(stderr).toBe('');
    expect(stdout).toMatch(
      /^NOT SHOWN: the collision: a network namespace cannot be had \(`unshare -Urn` says "unshare: unshare failed: Operation not permitted", .*\)\. \S.*$/m,
    );
    expect(stdout).not.toContain('Done:');
    expect(code).toBe(0);
    await fs.rm(path.join(tools, 'unshare'));
  });

  it('shows the first half without iptables, says what the other half needs, and exits with 0', async (context) => {
    for (const tool of ['iptables', 'iptables-nft', 'iptables-legacy']) await refuse(tool, 'Permission denied');
    const { code, stdout, stderr } = await withTools();
    const none = /^NOT SHOWN: the collision: (.*)$/m.exec(stdout)?.[1];
    context.skip(none !== undefined, none);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^NOT SHOWN: the collision with RSTs dropped: .*`iptables-nft` says "Permission denied"/m);
    expect(words(stdout)).toMatch(
      /is now reset \(state CLOSE\).* Done: .* It hides once its port pair is used again\. ?$/,
    );
    expect(code).toBe(0);
  }, 40_000);

  it('its inner half refuses to touch the namespace it was started in', async () => {
    const outside = await fs.readlink('/proc/self/ns/net');
    for (const args of [[], [outside]]) {
      const { code, stderr } = await runNode([path.join(root, 'examples/demo/collision.mjs'), ...args]);
      expect(stderr).toContain('network namespace of its own');
      expect(code).toBe(2);
    }
  });
});

function chapterOf(out: string, number: number): string {
  return out.split(/^(?=\d\. )/m).find((chapter) => chapter.startsWith(`${number}. `)) ?? '';
}

function clientPortOf(chapter: string): string {
  return /client +port (\d+): uploaded/.exec(chapter)?.[1] ?? 'no port';
}

/** `end state local peer` of each row. */
function rowsOf(chapter: string): string[] {
  const rows = chapter.matchAll(/^ +(server|client) +([A-Z][A-Z0-9-]+) +\d+ +(\S+) +(\S+) +\S.*$/gm);
  return Array.from(rows, ([, end, state, local, peer]) => `${end} ${state} ${local} ${peer}`);
}

/** The text without its line breaks and columns. */
function words(text: string): string {
  return text.replace(/\s+/g, ' ');
}
