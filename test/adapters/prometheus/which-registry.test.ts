import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, type TestContext } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { valueOf } from '../../support/metrics-page.js';
import { environmentOfAUser, jsonOf, outcomeOf, programs, root, type Outcome } from '../../support/programs.js';

const fileUrl = (...parts: string[]): string => pathToFileURL(path.join(root, ...parts)).href;
const ENTRIES = {
  GUARD: fileUrl('dist/index.js'),
  PROMETHEUS: fileUrl('dist/prometheus.js'),
  FASTIFY: fileUrl('node_modules/fastify/fastify.js'),
};

function runIn(folder: string, args: readonly string[], node = process.execPath, more = {}): Promise<Outcome> {
  const env = { ...environmentOfAUser(), ...ENTRIES, ...more };
  return outcomeOf(spawn(node, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 240_000 }));
}

/** What the project's npm cache is asked for: a program of Node, a folder with packages. Skips the test, with npm's words, without. */
async function fromNpm(context: TestContext, call: string): Promise<string> {
  const code = `import(${JSON.stringify(fileUrl('scripts/npm-cache.mjs'))}).then((npm) => console.log(npm.${call}))`;
  const outcome = await runIn(root, ['-e', code]);
  context.skip(outcome.code !== 0, `not to be had from npm: ${call}: ${outcome.stderr.trim().split('\n', 1)[0]}`);
  return outcome.stdout.trim();
}

describe.each([
  ['12', '20'],
  ['14', '22'],
])('beside fastify-metrics %s on Node %s, with no registry given', (version, line) => {
  it.for(['guard-first', 'guard-last'])(
    '%s: its page has the metrics of both',
    { timeout: 300_000 },
    async (order, context) => {
      const folder = await fromNpm(
        context,
        `cached('fastify-metrics-${version}', ['fastify@5', 'fastify-metrics@${version}'])`,
      );
      const node = await fromNpm(context, `nodeBinary('${line}')`);
      const { body, type, logged } = jsonOf(await runIn(folder, [path.join(programs, 'two-plugins.mjs'), order], node));
      expect(valueOf(body, 'close_wait_leaked_sockets')).toBe(0);
      expect(body).toContain('process_cpu_seconds_total');
      expect(type).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(logged.filter((message: string) => message.includes('close-wait-guard'))).toEqual([]);
    },
  );
});

describe('with no registry given', () => {
  const stage = stageOfEachTest();
  const BOTH = ['prom-client', '@prometheus-io/client'];

  /** A folder in which these packages of the project can be required. */
  function folderWith(names: readonly string[]): string {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-clients-'));
    stage.defer(() => rmSync(folder, { recursive: true, force: true }));
    for (const name of names) {
      const link = path.join(folder, 'node_modules', name);
      mkdirSync(path.dirname(link), { recursive: true });
      symlinkSync(path.join(root, 'node_modules', name), link);
    }
    return folder;
  }

  async function find(installed: readonly string[], loaded: readonly string[] = []): Promise<any> {
    const folder = folderWith(installed);
    // The program is none of the application's: what is installed is looked for in the working directory.
    const code = `await import(${JSON.stringify(fileUrl('test/fixtures/programs/finds-client.mjs'))})`;
    const args = ['--input-type=module', '-e', code];
    return jsonOf(await runIn(folder, args, process.execPath, { LOAD: JSON.stringify(loaded) }));
  }

  it.each(BOTH)('%s is taken when it is the one that is installed', async (name) => {
    const { error, ...outcome } = await find([name]);
    expect(error).toBeUndefined();
    expect(outcome).toMatchObject({ collected: name, registered: name, warnings: [], statusCode: 200 });
    expect(outcome.logged).toEqual([]);
  });

  it.each(BOTH)('%s is taken when both are installed and it is the one that is loaded', async (name) => {
    const outcome = await find(BOTH, [name]);
    expect(outcome).toMatchObject({ collected: name, registered: name, warnings: [], logged: [] });
  });

  it('of two that are loaded the one is taken that has metrics', async () => {
    const outcome = await find(BOTH, ['prom-client', '@prometheus-io/client=metric']);
    expect(outcome).toMatchObject({ collected: BOTH[1], registered: BOTH[1], warnings: [], logged: [] });
  });

  it.each([
    ['installed', []],
    ['in use', ['prom-client=metric', '@prometheus-io/client=metric']],
  ])('where two are %s one line says which was taken, and that there are two', async (_what, loaded) => {
    const { collected, registered, warnings, logged } = await find(BOTH, loaded);
    expect([collected, registered]).toEqual(['prom-client', 'prom-client']);
    for (const lines of [warnings, logged]) {
      expect(lines).toEqual([
        expect.stringMatching(
          /^close-wait-guard: there is more than one Prometheus client .* in that of prom-client \(.*\), and not in that of @prometheus-io\/client \(.*\); option register says which$/,
        ),
      ]);
    }
  });

  it('without a client: an error that names both, a plugin that works, and a page that says what to install', async () => {
    const { error, collected, registered, logged, statusCode, body, leaks } = await find([]);
    expect({ collected, registered, leaks }).toEqual({ collected: '', registered: '', leaks: 0 });
    expect(error.code).toBe('CWG_ERR_OPTION');
    for (const text of [error.message, body, logged.join()]) {
      expect(text).toMatch(
        /^close-wait-guard: .*install prom-client \(or @prometheus-io\/client, on Node 22 and later\)/,
      );
    }
    expect(statusCode).toBe(501);
  });
});
