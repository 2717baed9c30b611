import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { LEAK_CAUSES, type LeakReport } from 'close-wait-guard';
import { kernelRows, openFds } from '../../support/kernel-view.js';
import { logLines, PRELOAD, SETTINGS } from '../../support/preloaded.js';
import { environmentOfAUser, root } from '../../support/programs.js';
import { until } from '../../support/until.js';
import { readPage, type Block } from './docs-pages.js';

const causePage = (cause: string): ReturnType<typeof readPage> => readPage(`docs/causes/${cause}.md`);
const programsOf = (use: string): (readonly [title: string, cause: string, block: Block])[] =>
  LEAK_CAUSES.flatMap((cause) =>
    causePage(cause)
      .blocks.filter((block) => block.use === use)
      .map((block) => [`${block.page}:${block.line}`, cause, block] as const),
  );

/** TCP states as the kernel numbers them, by the name that a report has for them. */
const STATES: Readonly<Record<string, string>> = { CLOSE_WAIT: '08', ESTABLISHED: '01' };

interface Running {
  readonly pid: number;
  readonly leaks: () => LeakReport[];
  readonly printed: () => string[];
}

/** Runs a program as its reader would: in a folder of its own with the package installed, and preloaded. */
async function run(code: string, timeoutMs: number, then: (running: Running) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-docs-')));
  const file = path.join(folder, 'leak.mjs');
  const log = path.join(folder, 'log.jsonl');
  mkdirSync(path.join(folder, 'node_modules'));
  symlinkSync(root, path.join(folder, 'node_modules/close-wait-guard'));
  symlinkSync(path.join(root, 'node_modules/fastify'), path.join(folder, 'node_modules/fastify'));
  writeFileSync(file, code);
  const settings = { ...SETTINGS, CLOSE_WAIT_GUARD_TIMEOUT_MS: String(timeoutMs), CLOSE_WAIT_GUARD_LOG: log };
  const child = spawn(process.execPath, [...PRELOAD, file], {
    cwd: folder,
    env: { ...environmentOfAUser(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, to end what the program has started with it.
    detached: true,
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const alive = <T>(value: T): T => {
    if (child.exitCode !== null) throw new Error(`it ended: ${output}${errors}`);
    return value;
  };
  try {
    await then({
      pid: child.pid!,
      leaks: () => alive(logLines(log).flatMap(({ event, leak }) => (event === 'leak' ? [leak] : []))),
      printed: () => alive(output.split('\n').filter(Boolean)),
    });
  } finally {
    if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the comments behind its console.log() calls say it prints. */
function promised(code: string): string[] {
  return [...code.matchAll(/console\.log\(.*\); \/\/ (.+)$/gm)].map(([, text = '']) => text);
}

/** The kernel's state of the leaked socket, read from outside the process. */
function expectKernelAgrees(leak: LeakReport, pid: number): void {
  const row = kernelRows().find(
    ({ localPort, remotePort }) => localPort === leak.localPort && remotePort === leak.remotePort,
  );
  expect(row?.state).toBe(STATES[leak.state]);
  const isHeld = openFds(pid).get(leak.fd) === `socket:[${row?.inode}]`;
  expect(isHeld).toBe(leak.cause !== 'held-by-another-process');
}

/** Sockets of a process that are connections: neither listening nor a pipe. */
function connectionsOf(pid: number): number {
  const links = new Set(openFds(pid).values());
  return kernelRows().filter(({ inode, remotePort }) => remotePort !== 0 && links.has(`socket:[${inode}]`)).length;
}

/** A report's two sentences, with every number and unit of time alike. */
function sameShape(text: string): string {
  return (
    text
      .replace(/\s+/g, ' ')
      .replace(/\d[\d.,:]*(?<=\d)/g, '#')
      .replace(/# (ms|s|min|h)\b/g, '# t')
      // Whether the FIN arrives behind an upload depends on how much of it this version of Node takes.
      .replace(
        'the receive window has been full for # t, and behind it no FIN of the client can arrive',
        'the client left # t ago',
      )
      .trim()
  );
}

describe.concurrent('the pages of causes', () => {
  it('are one for each cause, with a leak and its cure', ({ expect }) => {
    const withPrograms = (use: string): unknown => [...new Set(programsOf(use).map(([, cause]) => cause))];
    expect(withPrograms('leaks')).toEqual(LEAK_CAUSES);
    expect(withPrograms('closes')).toEqual(LEAK_CAUSES);
  });

  it.each(programsOf('leaks'))('%s leaks with that cause', { timeout: 60_000 }, async (_title, cause, { code }) => {
    await run(code, 300, async ({ pid, leaks, printed }) => {
      const leak = await until('the report', () => leaks()[0], { timeoutMs: 30_000 });
      expect(leak.cause).toBe(cause);
      expectKernelAgrees(leak, pid);
      const shown = causePage(cause).blocks.filter(({ use }) => use === 'report');
      expect(shown.map((block) => sameShape(block.code))).toEqual([sameShape(`${leak.explanation} Fix: ${leak.fix}`)]);
      const expected = promised(code);
      await until('what it prints', () => printed().length >= expected.length);
      expect(printed().slice(-expected.length)).toEqual(expected);
      expect(leaks().filter((each) => each.cause !== cause)).toEqual([]);
    });
  });

  it.each(programsOf('closes'))('%s closes its socket', { timeout: 60_000 }, async (_title, _cause, { code }) => {
    // Longer than the time-outs that these programs set: what they close in time is no leak.
    await run(code, 2_000, async ({ pid, leaks, printed }) => {
      const expected = promised(code);
      await until('what it prints', () => printed().length >= expected.length, { timeoutMs: 30_000 });
      expect(printed().slice(-expected.length)).toEqual(expected);
      await until('every connection to be closed', () => connectionsOf(pid) === 0);
      expect(leaks()).toEqual([]);
    });
  });
});

describe('reports on other pages', () => {
  const shown = LEAK_CAUSES.flatMap((cause) => causePage(cause).blocks.filter(({ use }) => use === 'report'));
  const pairs = shown.map(({ code }) => code.split(/^Fix: /m).map(sameShape));

  it.each([
    ['README.md', 'text', 1],
    ['docs/preload.md', 'json', 1],
    ['docs/testing.md', 'text', 2],
  ] as const)(
    'those of %s (%s) are ones that a page of a cause shows and a program there makes',
    (page, language, count) => {
      const told = readPage(page).blocks.filter(
        (block) => block.language === language && /\bfix\W+[A-Z]/i.test(block.code),
      );
      expect(told).toHaveLength(count);
      for (const { code } of told) {
        const text = sameShape(code);
        expect(pairs.filter((pair) => pair.every((sentence) => text.includes(sentence)))).toHaveLength(1);
      }
    },
  );
});

it('a report is told from another', () => {
  expect(sameShape('The client left 61 s ago (5 bytes).')).toBe(
    sameShape('The client\n left 310 ms ago (1,024 bytes).'),
  );
  expect(sameShape('POST /a')).not.toBe(sameShape('POST /b'));
  expect(readFileSync(path.join(root, 'docs/causes/paused.md'), 'utf8')).toContain('```js leaks');
});
