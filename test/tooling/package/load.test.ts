import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addonFile, jsonOf, root, runNode } from '../../support/programs.js';

/** The built package, installed as a user has it: dist/ and the addon, in a node_modules. */
let app: string;
/** The addon's file somewhere else. */
let elsewhere: string;
const addon = addonFile;

beforeAll(() => {
  app = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-load-'));
  install(path.join(app, 'node_modules/close-wait-guard'), true);
  elsewhere = path.join(app, 'elsewhere.node');
  cpSync(addon, elsewhere);
  cpSync(path.join(root, 'test/fixtures/install/find-leak.cjs'), path.join(app, 'find-leak.cjs'));
  for (const name of ['fastify-plugin', 'prom-client']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(app, 'node_modules', name));
  }
});

afterAll(() => rmSync(app, { recursive: true, force: true }));

function install(folder: string, withAddon: boolean): void {
  mkdirSync(folder, { recursive: true });
  for (const file of ['dist', 'package.json'])
    cpSync(path.join(root, file), path.join(folder, file), { recursive: true });
  const prebuilds = path.join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
  if (!withAddon) return;
  mkdirSync(prebuilds, { recursive: true });
  cpSync(addon, path.join(prebuilds, 'close-wait-guard.glibc.node'));
}

/** Runs a CommonJS program in the application's folder; it prints one JSON value. */
async function runIn(code: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<any> {
  const file = path.join(app, 'main.cjs');
  writeFileSync(file, code);
  return jsonOf(await runNode([...args, file], env));
}

const LOAD = `
  const { createGuard } = require('close-wait-guard');
  const guard = createGuard();
  console.log(JSON.stringify({ supported: guard.supported, reason: guard.stats().unsupportedReason }));
  guard.close();`;
const LOADED = { supported: true };

describe('the addon', () => {
  it('is loaded when nothing outside of the application may be read (--permission)', async () => {
    // Node 20 has the flag under its older name.
    const flag = process.allowedNodeEnvironmentFlags.has('--permission') ? '--permission' : '--experimental-permission';
    const addons = process.allowedNodeEnvironmentFlags.has('--allow-addons') ? ['--allow-addons'] : [];
    const args = [flag, ...addons, `--allow-fs-read=${app}`, '--no-warnings'];
    // Its dependencies are links to this repository.
    const linked = [`--allow-fs-read=${path.join(root, 'node_modules')}`];
    expect(await runIn(LOAD, [...args, ...linked])).toEqual(LOADED);
  });

  it('is loaded again when a first load failed for want of a file descriptor', async () => {
    const seen = await runIn(`
      const fs = require('node:fs');
      const { createGuard } = require('close-wait-guard');
      const fds = [];
      try { for (;;) fds.push(fs.openSync('/dev/null')); } catch {}
      const first = createGuard();
      for (const fd of fds) fs.closeSync(fd);
      const second = createGuard();
      console.log(JSON.stringify([first.supported, first.stats().unsupportedReason, second.supported]));
      first.close();
      second.close();`);
    expect(seen).toEqual([false, expect.stringMatching(/Too many open files/), true]);
  });

  it('is what CLOSE_WAIT_GUARD_ADDON names, and nothing else', async () => {
    const own = path.join(app, 'node_modules/close-wait-guard/prebuilds');
    rmSync(own, { recursive: true });
    try {
      expect(await runIn(LOAD)).toEqual({
        supported: false,
        reason: expect.stringMatching(/could not be loaded \(there is no prebuilds.*docs\/install\.md/),
      });
      expect(await runIn(LOAD, [], { CLOSE_WAIT_GUARD_ADDON: elsewhere })).toEqual(LOADED);
    } finally {
      install(path.join(app, 'node_modules/close-wait-guard'), true);
    }
  });

  it.each([
    ['a relative path', 'elsewhere.node', /CLOSE_WAIT_GUARD_ADDON is elsewhere\.node, which is no absolute path/],
    [
      'no file',
      path.join(os.tmpdir(), 'no-such.node'),
      /CLOSE_WAIT_GUARD_ADDON is .*no-such\.node, and there is no such file/,
    ],
    ['no addon', path.join(root, 'package.json'), /package\.json: invalid ELF header/],
  ])('%s in CLOSE_WAIT_GUARD_ADDON is one clear reason, also beside a good file', async (_what, file, reason) => {
    expect(await runIn(LOAD, [], { CLOSE_WAIT_GUARD_ADDON: file })).toEqual({
      supported: false,
      reason: expect.stringMatching(reason),
    });
  });

  it('is loaded by several copies, both forms, and a worker thread of one process; a leak has one report', async () => {
    const other = path.join(app, 'other/node_modules/close-wait-guard');
    install(other, true);
    const seen = await runIn(`
      const { Worker } = require('node:worker_threads');
      const { once } = require('node:events');
      const net = require('node:net');
      const { until } = { until: async (condition) => { while (!condition()) await new Promise((done) => setTimeout(done, 10)); } };
      (async () => {
        const copies = [
          require('close-wait-guard'),
          await import('close-wait-guard'),
          require(${JSON.stringify(path.join(other, 'dist/cjs/index.js'))}),
          await import(${JSON.stringify(path.join(other, 'dist/index.js'))}),
        ];
        const heard = [];
        const guards = copies.map(({ createGuard }) => createGuard({ closeWaitTimeout: 50, sampleInterval: 20, onLeak: ({ id }) => heard.push(id) }));
        const worker = new Worker("const { createGuard } = require('close-wait-guard'); const guard = createGuard(); require('node:worker_threads').parentPort.postMessage(guard.supported); guard.close();", { eval: true });
        const [inWorker] = await once(worker, 'message');
        const kept = [];
        const server = net.createServer((socket) => kept.push(socket)).listen(0, '127.0.0.1');
        await once(server, 'listening');
        const clients = [0, 1].map(() => { const client = net.connect(server.address().port, '127.0.0.1', () => client.end('x')); return client; });
        await until(() => new Set(heard).size === 2);
        // Ten samples later each guard has had its say.
        for (let i = 0; i < 10; i++) { await new Promise((done) => setTimeout(done, 20)); for (const guard of guards) guard.leaks(); }
        console.log(JSON.stringify({ supported: guards.map((guard) => guard.supported), inWorker, heard: heard.length, leaks: new Set(heard).size }));
        for (const guard of guards) guard.close();
        for (const socket of [...clients, ...kept]) socket.destroy();
        server.close();
      })();`);
    expect(seen).toEqual({ supported: [true, true, true, true], inWorker: true, heard: 2, leaks: 2 });
  });
});
