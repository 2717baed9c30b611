// For scripts/proof/attach.mjs: attaches to a program 3 s after its start, and writes what is found as the preload would have.
//   node attach-watcher.mjs PID CLI LOG TIMES
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [pid, cli, log, times] = process.argv.slice(2);
await sleep(3_000);
// It was over before anybody could look.
if (!fs.existsSync(`/proc/${pid}`)) process.exit();
const script =
  fs
    .readFileSync(`/proc/${pid}/cmdline`, 'utf8')
    .split('\0')
    .find((word) => word.endsWith('.mjs')) ?? '';
const startedAt = performance.now();
const { stdout, stderr, status } = spawnSync(process.execPath, [cli, 'attach', pid, '--yes', '--json'], {
  encoding: 'utf8',
});
if (status !== 0 && status !== 1) {
  fs.appendFileSync(`${times}.errors`, `${pid}: ${stderr}\n`);
  process.exit(1);
}
const { leaks } = JSON.parse(stdout);
fs.appendFileSync(log, leaks.map((leak) => `${JSON.stringify({ event: 'leak', leak })}\n`).join(''));
fs.appendFileSync(times, `${Math.round(performance.now() - startedAt)} ${path.basename(script)}\n`);
