import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { runNode, type Outcome } from '../../support/programs.js';

const demo = 'examples/demo/main.mjs';
const DEADLINE_MS = 30_000;

describe('npm run demo', () => {
  let outcome: Outcome;
  let out: string;
  beforeAll(async () => {
    // spawnNode kills it after the deadline, which would show as a signal.
    outcome = await runNode([demo], {}, DEADLINE_MS);
    out = outcome.stdout;
  }, DEADLINE_MS + 5_000);

  it('ends by itself with exit 0 in under 30 s, and nothing on stderr', () => {
    expect(outcome).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('has its seven chapters, in order', () => {
    expect(out.match(/^\d\. .*$/gm)).toEqual([
      '1. What runs',
      '2. Clients come and go',
      '3. What the kernel sees, and what the guard makes of it',
      '4. The innocent suspects',
      '5. The leak reports',
      '6. What Prometheus scrapes',
      '7. Closed after all',
    ]);
  });

  it('says that closeWaitTimeout is shortened', () => {
    expect(words(out)).toMatch(/closeWaitTimeout: 2\.0 s in this demo, 60 s unless you set it/);
  });

  it('puts each leak of the guard beside the kernel’s row of the same fd', () => {
    const rows = [...out.matchAll(/^ +CLOSE-WAIT +(\d+) .* fd (\d+) +\| +(\d+) +[\d.]+ s +(.*\S) {2,}(\S+)$/gm)];
    expect(rows.map(([, , , , whose, cause]) => `${whose}: ${cause}`)).toEqual([
      ...Array<string>(3).fill('POST /items/:id: request-body-not-read'),
      ...Array<string>(2).fill('smtp: half-open-not-ended'),
      'collector: never-read',
    ]);
    for (const [, , kernelFd, guardFd] of rows) expect(guardFd).toBe(kernelFd);
    expect(new Set(rows.map(([, , fd]) => fd)).size).toBe(6);
  });

  it('rules the innocent suspects out with numbers', () => {
    expect(out).toMatch(/^ +accept queue +http:\d+ +0 +\d+ +empty$/m);
    for (const server of ['smtp', 'collector', 'time']) {
      expect(out).toMatch(new RegExp(`^ +${server} +0 +\\d+ +empty$`, 'm'));
    }
    expect(out).toMatch(/^ +open files +process +\d+ +[\d,]+ +[\d.]+ % used$/m);
  });

  it('reports each cause with what happened and what to change', () => {
    const reports = words(chapterOf(out, 5));
    expect(reports).toMatch(
      /POST \/items\/:id request-body-not-read what POST \/items\/:id \(http:\d+\) has neither read its request body .*[\d,]{7} .* the client left \d\.\d s ago, .*\. fix .*reply\.code\(503\).* socket fd \d+/,
    );
    expect(reports).toMatch(
      /smtp half-open-not-ended what The connection to smtp from 127\.0\.0\.1:\d+ .* fix .*socket\.end\(\)/,
    );
    expect(reports).toMatch(/collector never-read what .*collector.* fix Read the socket/);
    expect(reports).toContain("Fastify's log has 3 warnings");
  });

  it('shows the lines that Prometheus scrapes, and the gauge back at 0', () => {
    const scrape = chapterOf(out, 6);
    expect(scrape).toMatch(/GET http:\/\/127\.0\.0\.1:\d+\/metrics/);
    const leaked = (cause: string, rest: string) =>
      new RegExp(`^ +close_wait_leaked_sockets\\{kind="close-wait",cause="${cause}",side="inbound",${rest}$`, 'm');
    expect(scrape).toMatch(leaked('request-body-not-read', 'route="/items/:id",method="POST",server="http:\\d+"} 3'));
    expect(scrape).toMatch(leaked('half-open-not-ended', 'server="smtp"} 2'));
    expect(scrape).toMatch(leaked('never-read', 'server="collector"} 1'));
    expect(scrape).toMatch(/^ +tcp_accept_queue_sockets\{server="smtp"\} 0$/m);
    const closed = chapterOf(out, 7);
    expect(closed).toMatch(/^ +the kernel +0 sockets in CLOSE-WAIT$/m);
    expect(closed).toMatch(/^ +guard\.on\('released'\) +6 events$/m);
    expect(closed).toContain('sum(close_wait_leaked_sockets) 0, close_wait_released_total 6');
  });

  it('ends with one sentence, uses no colour off a terminal, and shows no query string', () => {
    expect(words(out)).toMatch(/Done: 6 leaked sockets found by route and cause, exported, closed and released again;/);
    expect(out).toBe(stripVTControlCharacters(out));
    expect(out).not.toContain('secret');
    expect(out).not.toMatch(/undefined|NaN|\[object/);
    expect(out).not.toMatch(/[ \t]$/m);
  });
});

describe('the demo’s command line', () => {
  it('--help says what it does', async () => {
    const { code, stdout } = await runNode([demo, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm run demo/);
    expect(stdout).toContain('--collision');
  });

  it.each([['--colision'], ['now'], ['--collision=yes']])('%s is an error, exit 2', async (argument) => {
    const { code, stdout, stderr } = await runNode([demo, argument]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(argument.split('=')[0]);
    expect(stderr).toContain('Usage: npm run demo');
  });

  it('exits with 1 when what it claims is not true', async () => {
    const blind = path.join(import.meta.dirname, 'blind-guard.mjs');
    const { code, stdout, stderr } = await runNode(['--import', blind, demo], {}, DEADLINE_MS);
    expect(stderr).toContain('NOT TRUE HERE: The guard names the same sockets as the kernel');
    expect(code).toBe(1);
    expect(stdout).not.toContain('Done:');
  }, 40_000);
});

function chapterOf(out: string, number: number): string {
  return out.split(/^(?=\d\. )/m).find((chapter) => chapter.startsWith(`${number}. `)) ?? '';
}

/** The text without its line breaks and columns. */
function words(text: string): string {
  return text.replace(/\s+/g, ' ');
}
