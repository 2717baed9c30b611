import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOf } from '../../src/kernel/process-command.js';
import { stageOfEachTest } from '../support/stage.js';

const WAITS = 'process.send("up"); setInterval(() => {}, 1e6)';

describe('what a process is called', () => {
  const stage = stageOfEachTest();

  function script(name: string, code = WAITS): string {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-'));
    stage.defer(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    const file = path.join(folder, name);
    writeFileSync(file, code);
    return file;
  }

  async function nameOf(args: readonly string[], argv0?: string): Promise<string | undefined> {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      ...(argv0 && { argv0 }),
    });
    stage.defer(() => child.kill('SIGKILL'));
    await once(child, 'message');
    return commandOf(child.pid!);
  }

  it('is its executable and its script, without folders and without any other argument', async () => {
    const hook = script('hook.cjs', '');
    expect(await nameOf([script('worker.cjs'), '--password=hunter2', 'secret.js'])).toBe('node worker.cjs');
    expect(await nameOf(['--no-warnings', '-r', hook, script('worker.cjs')])).toBe('node worker.cjs');
    expect(await nameOf(['-e', WAITS, 'secret.js'])).toBe('node');
    expect(await nameOf([script('hunter2'), 'secret.js'])).toBe('node');
  });

  it('is the file that it runs where it has written a title over its arguments', async () => {
    expect(await nameOf(['-e', `process.title = 'shop: token=hunter2 worker'; ${WAITS}`])).toBe('node');
    expect(await nameOf(['-e', `process.title = 'shop'; ${WAITS}`])).toBe('shop');
  });

  it('is printable and short, whatever it was started as', async () => {
    expect(await nameOf(['-e', WAITS], '/opt/\u001B[31m"<é')).toMatch(/^[?[\]\w]+$/);
    expect(await nameOf([script(`${'w'.repeat(100)}.cjs`)])).toBe(`node ${'w'.repeat(60)}...`);
  });

  it('is not known of a process that is not there', async () => {
    const child = spawn('true');
    await once(child, 'close');
    expect(commandOf(child.pid!)).toBeUndefined();
  });
});
