// Runs players (play.mjs) some at a time, each with a control file of its own, and gathers what they print.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { environmentOfAUser } from '../../../scripts/npm-cache.mjs';
import { compileShim, newControlFile } from './calls.mjs';

const player = path.join(import.meta.dirname, 'play.mjs');
const root = path.join(import.meta.dirname, '../../..');

/** A mostly waiting process needs less than half a core. */
const AT_A_TIME = 3;

/**
 * Plays `jobs`, each `{ scenarios, older, atMost, only }`, and returns the results of all: one for each scenario and call.
 * @throws Error with what a player said when it ended otherwise than with 0; with `code` ENOENT where there is no C compiler
 */
export async function playAll(jobs, { deadlineMs = 600_000, onResult = () => {} } = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nth-call-'));
  try {
    const shim = compileShim(folder);
    const waiting = [...jobs];
    const results = [];
    const lane = async () => {
      for (let job = waiting.shift(); job; job = waiting.shift())
        results.push(...(await play(job, shim, folder, deadlineMs, onResult)));
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, lane));
    return results;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function play({ scenarios, older = false, atMost, only }, shim, folder, timeout, onResult) {
  const args = [
    ...(older ? ['--older'] : []),
    ...(atMost ? ['--at-most', String(atMost)] : []),
    ...(only ? ['--only', only] : []),
  ];
  const child = spawn(process.execPath, [player, ...args, ...scenarios], {
    cwd: root,
    env: { ...environmentOfAUser(), LD_PRELOAD: shim, NTH_CALL_CONTROL: newControlFile(folder) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
  });
  const results = [];
  const reading = (async () => {
    for await (const row of createInterface({ input: child.stdout })) {
      results.push(JSON.parse(row));
      onResult(results.at(-1));
    }
  })();
  const [, said, [code, signal]] = await Promise.all([reading, text(child.stderr), once(child, 'close')]);
  if (code !== 0)
    throw new Error(
      `the host died in ${scenarios.join()} (${code ?? signal}) after ${JSON.stringify(results.at(-1))}: ${said}`,
    );
  return results;
}
