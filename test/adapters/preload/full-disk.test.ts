import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { stageOfEachTest } from '../../support/stage.js';
import { PRELOAD, SETTINGS, temporaryFile } from '../../support/preloaded.js';
import { environmentOfAUser, jsonOf, outcomeOf, programs, root } from '../../support/programs.js';

/** Runs a command with a file system of 64 KiB at `folder`, which nobody else sees. */
const SMALL_DISK = ['-m', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"'];

function canMount(folder: string): boolean {
  try {
    execFileSync('unshare', [...SMALL_DISK, folder, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a log on a disk that is full for a while', () => {
  const stage = stageOfEachTest();

  it('has every line once there is room, none glued to another', async (context) => {
    const folder = temporaryFile(stage, 'disk');
    mkdirSync(folder);
    context.skip(!canMount(folder), 'needs unshare(1) and leave to mount a tmpfs');
    const program = path.join(programs, 'full-disk.mjs');
    const child = spawn('unshare', [...SMALL_DISK, folder, process.execPath, ...PRELOAD, program, folder], {
      cwd: root,
      env: { ...environmentOfAUser(), ...SETTINGS, CLOSE_WAIT_GUARD_LOG: path.join(folder, 'leaks.jsonl') },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 45_000,
      killSignal: 'SIGKILL',
    });
    const { leaked, whole, cut, warnings } = jsonOf(await outcomeOf(child));
    expect(leaked).toBe(30);
    expect(whole).toBe(31);
    // The start of the line that was cut; the same line stands whole below it.
    expect(cut).toHaveLength(1);
    expect(cut[0].match(/\{"event"/g)).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('ENOSPC')]);
  });
});
