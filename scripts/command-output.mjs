/**
 * What the command prints, for docs/command.md: every block there that begins with `$ npx close-wait-guard …` is written anew from a real
 * run. A test holds the page to it (numbers apart). `PID` in an example is that of a program that leaks.
 *
 *   node scripts/command-output.mjs            rewrites docs/command.md
 */
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { environmentOfAUser } from './npm-cache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
export const page = path.join(root, 'docs', 'command.md');
const cli = path.join(root, 'dist', 'cli.js');
const program = path.join(root, 'test', 'fixtures', 'programs', 'shop.mjs');
/** A leak of a second looks better than one of none. */
const GROWS_MS = 1_500;
const BLOCK = /```text output\n\$ npx close-wait-guard ([^\n]*)\n[^]*?```/g;
const PID = 4711;

/** The text with its blocks as the command prints them now. */
export async function withOutput(text) {
  let written = text;
  for (const [block, args] of text.matchAll(BLOCK)) {
    written = written.replace(block, () => '\0');
    const output = await outputOf(args.split(' '));
    written = written.replace(
      '\0',
      () => `\`\`\`text output\n$ npx close-wait-guard ${args}\n${output.trimEnd()}\n\`\`\``,
    );
  }
  return written;
}

async function outputOf(args) {
  if (!args.includes(String(PID))) return run(args);
  const child = fork(program, {
    execArgv: ['--inspect-port=0'],
    env: environmentOfAUser(),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  try {
    await once(child, 'message');
    await sleep(GROWS_MS);
    const output = await run(args.map((arg) => (arg === String(PID) ? String(child.pid) : arg)));
    return output.replaceAll(String(child.pid), String(PID));
  } finally {
    child.kill('SIGKILL');
  }
}

function run(args) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [cli, ...args], { env: environmentOfAUser() }, (error, stdout, stderr) => {
      // 1 says that there are leaks.
      if (error && error.code !== 1) reject(new Error(`${args.join(' ')}: ${stderr}`));
      else resolve(stdout);
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  fs.writeFileSync(page, await withOutput(fs.readFileSync(page, 'utf8')));
