import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest, type Stage } from '../../support/stage.js';
import { SETTINGS, temporaryFile } from '../../support/preloaded.js';
import { environmentOfAUser, programs, root } from '../../support/programs.js';
import { until } from '../../support/until.js';
import { pages, type Block } from './docs-pages.js';

/** What a reader can paste, of README.md and docs/; docs-snippets.test.ts says what is done with all other blocks. */
const pasted = pages()
  .flatMap(({ blocks }) => blocks)
  .filter(({ use }) => use === 'run');
const titleOf = ({ page, heading }: Block): string => `${page}: ${heading}`;
const inLanguage = (language: string): (readonly [string, Block])[] =>
  pasted.filter((block) => block.language === language).map((block) => [titleOf(block), block] as const);

/** What a test cannot wait for: each is there as often as it says, so that the pages and this stay together. */
const QUICKER: readonly [from: RegExp, to: string][] = [
  [/\bregister\(closeWaitGuard\)/g, 'register(closeWaitGuard, { closeWaitTimeout: 300, sampleInterval: 50 })'],
  [
    /\bregister\(closeWaitGuard, \{ reclaim: \{ afterMs: 240_000/g,
    'register(closeWaitGuard, { closeWaitTimeout: 300, sampleInterval: 50, reclaim: { afterMs: 100',
  ],
  [/\bcreateGuard\(\)/g, 'createGuard({ closeWaitTimeout: 300, sampleInterval: 50 })'],
  [/\bcreateGuard\(\{ onLeak/g, 'createGuard({ closeWaitTimeout: 300, sampleInterval: 50, onLeak'],
];
const PORT = /(?<=\blisten\((?:\{ port: )?)\d+/g;

function quicker({ code }: Block): string {
  const matches = QUICKER.filter(([from]) => code.match(from));
  expect(matches, 'one guard in each snippet, and this knows how to make it quick').toHaveLength(1);
  expect(code.match(PORT), 'one server in each snippet').toHaveLength(1);
  return QUICKER.reduce((text, [from, to]) => text.replace(from, to), code).replace(PORT, '0');
}

/** A new folder that has the package and what the pages say to install, and a program `app.js`. */
function folderFor(stage: Stage, code: string): string {
  const file = temporaryFile(stage, 'app.js');
  const folder = path.dirname(file);
  const modules = path.join(folder, 'node_modules');
  mkdirSync(modules);
  symlinkSync(root, path.join(modules, 'close-wait-guard'));
  for (const name of ['fastify', 'express', 'prom-client'])
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
  const manifest = { name: 'app', type: 'module', scripts: { start: 'node app.js' } };
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(file, code);
  return folder;
}

interface Running {
  readonly output: () => string;
  /** What it wrote to fd 3. */
  readonly port: () => string;
  readonly waitFor: (what: string, found: () => unknown) => Promise<unknown>;
}

/** Runs a command in a folder, with all that it starts, until the stage is cleared. */
function run(stage: Stage, folder: string, command: readonly [string, ...string[]], env: NodeJS.ProcessEnv): Running {
  const [name, ...args] = command;
  const child = spawn(name, args, {
    cwd: folder,
    env: { ...environmentOfAUser(), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  });
  stage.defer(() => child.exitCode ?? process.kill(-child.pid!, 'SIGKILL'));
  let output = '';
  let port = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (port += chunk.toString()));
  return {
    output: () => output,
    port: () => port,
    waitFor: (what, found) =>
      until(what, () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${output}`);
        return found();
      }),
  };
}

describe('what README.md and docs/ say to paste', () => {
  const stage = stageOfEachTest();

  it('is this', () => {
    expect(pasted.map(titleOf)).toEqual([
      'README.md: Fastify',
      'README.md: Any other server',
      'README.md: No code change',
      'docs/preload.md: The preload',
      'docs/preload.md: The preload',
      'docs/reference.md: Express, or any HTTP server',
      'docs/reference.md: Reclaim',
      'docs/troubleshooting.md: Why is this socket not reported?',
      'docs/troubleshooting.md: Why is this socket not reported?',
    ]);
  });

  it.each(inLanguage('js'))('%s: runs, and finds a leak', async (_title, block) => {
    const folder = folderFor(stage, quicker(block));
    const preload = path.join(programs, 'leak-beside.mjs');
    const { output, port, waitFor } = run(stage, folder, [process.execPath, '--import', preload, 'app.js'], {});

    await waitFor('the leak to be reported', () => output().includes('Nothing ever read the connection'));
    if (block.code.includes('reclaim:'))
      await waitFor('it to be reclaimed', () => output().includes('Leaked socket was reclaimed'));
    if (!/'\/metrics'|register\(closeWaitGuard\)/.test(block.code)) return;
    const origin = `http://127.0.0.1:${Number(port())}`;
    expect((await fetch(`${origin}/`)).status).toBe(200);
    const page = await fetch(`${origin}/metrics`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/plain;/);
    expect(await page.text()).toMatch(/^close_wait_leaks_total\{.*cause="never-read".*\} 1$/m);
  });

  it.each(inLanguage('sh'))('%s: runs, and finds a leak', async (_title, block) => {
    const leaky = `
      import net from 'node:net';
      const server = net.createServer(() => {}).listen(0, '127.0.0.1', () => {
        net.connect(server.address().port, '127.0.0.1').end('hello');
      });`;
    const folder = folderFor(stage, leaky);
    const { output, waitFor } = run(stage, folder, ['bash', '-c', block.code], { ...SETTINGS });
    await waitFor('the line of the leak', () => /^\{"event":"leak",.*"cause":"never-read".*\}$/m.test(output()));
  });
});
