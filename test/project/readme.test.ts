import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../support/stage.js';
import { temporaryFile } from '../support/preloaded.js';
import { environmentOfAUser, programs, root } from '../support/programs.js';
import { until } from '../support/until.js';

const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const [, quickStart = ''] = /^## Quick start$(.*?)^## /ms.exec(readme) ?? [];

interface Snippet {
  readonly title: string;
  readonly code: string;
}
const snippets = [...quickStart.matchAll(/^### (.*?)$(.*?)(?=^### |$(?![^]))/gms)].flatMap(
  ([, title = '', text = '']) =>
    [...text.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, code = '']): Snippet => ({ title, code })),
);

/** What a test cannot wait for: each is there as often as it says, so that the README and this stay together. */
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

function quicker({ code }: Snippet): string {
  const matches = QUICKER.filter(([from]) => code.match(from));
  expect(matches, 'one guard in each snippet, and this knows how to make it quick').toHaveLength(1);
  expect(code.match(PORT), 'one server in each snippet').toHaveLength(1);
  return QUICKER.reduce((text, [from, to]) => text.replace(from, to), code).replace(PORT, '0');
}

describe("README's quick starts run as pasted", () => {
  const stage = stageOfEachTest();

  it('are these', () => {
    expect(snippets.map(({ title }) => title)).toEqual([
      'Fastify',
      'A raw server',
      'Express, or any HTTP server',
      'Reclaim',
    ]);
  });

  /** A new folder that has the package and what the quick start says to install. */
  function folderFor(code: string): string {
    const file = temporaryFile(stage, 'app.js');
    const modules = path.join(path.dirname(file), 'node_modules');
    mkdirSync(modules);
    symlinkSync(root, path.join(modules, 'close-wait-guard'));
    for (const name of ['fastify', 'express', 'prom-client'])
      symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name));
    writeFileSync(path.join(path.dirname(file), 'package.json'), '{ "type": "module" }');
    writeFileSync(file, code);
    return file;
  }

  it.each(snippets.map((snippet) => [snippet.title, snippet] as const))('%s', async (title, snippet) => {
    const file = folderFor(quicker(snippet));
    const child = spawn(process.execPath, ['--import', path.join(programs, 'leak-beside.mjs'), file], {
      cwd: path.dirname(file),
      env: environmentOfAUser(),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      timeout: 30_000,
      killSignal: 'SIGKILL',
    });
    stage.undo(() => child.kill('SIGKILL'));
    const texts = { output: '', port: '' };
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (texts.output += chunk.toString()));
    (child.stdio[3] as NodeJS.ReadableStream).on('data', (chunk: Buffer) => (texts.port += chunk.toString()));
    const waitFor = (what: string, found: () => unknown): Promise<unknown> =>
      until(what, () => {
        if (child.exitCode !== null) throw new Error(`it ended: ${texts.output}`);
        return found();
      });

    await waitFor('the leak to be reported', () => texts.output.includes('Nothing ever read the connection'));
    if (title === 'Reclaim') {
      await waitFor('it to be reclaimed', () => texts.output.includes('Leaked socket was reclaimed'));
      return;
    }
    if (title === 'A raw server') return;
    const origin = `http://127.0.0.1:${Number(texts.port)}`;
    expect((await fetch(`${origin}/`)).status).toBe(200);
    const page = await fetch(`${origin}/metrics`);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/plain;/);
    expect(await page.text()).toMatch(/^close_wait_leaks_total\{.*cause="never-read".*\} 1$/m);
  });
});
