import { spawn } from 'node:child_process';
import path from 'node:path';
import { environmentOfAUser } from '../npm-cache.mjs';

/**
 * Runs a program to its end, as a user's shell would.
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string, output: string, seconds: number }>}
 */
export async function run([command, ...args], { cwd, env = {}, timeoutMs = 300_000 }) {
  const started = performance.now();
  const child = spawn(command, args, {
    cwd,
    env: { ...environmentOfAUser(), NO_COLOR: '1', FORCE_COLOR: '0', CI: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const code = await new Promise((resolve) => {
    child.on('error', (error) => {
      stderr += String(error);
      resolve(null);
    });
    child.on('close', resolve);
  });
  const seconds = (performance.now() - started) / 1000;
  return { code, stdout, stderr, output: `${stdout}${stderr}`, seconds };
}

/** Runs tasks, so many at a time, and keeps their order in what it returns. */
export async function pooled(tasks, jobs) {
  const results = [];
  let next = 0;
  const worker = async () => {
    while (next < tasks.length) {
      const index = next++;
      results[index] = await tasks[index]();
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  return results;
}

/** The line of a program's output that says most about why it failed. */
export function reasonIn(output) {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/A complete log of this run|^at |^\^+$|ExperimentalWarning/.test(line));
  const line = lines.find((text) => /error|ERR_|cannot|could not|fail/i.test(text)) ?? lines.at(-1) ?? 'no output';
  return line.length > 160 ? `${line.slice(0, 157)}...` : line;
}

/** Runs a program that must not fail. @throws Error with its output */
export async function must(command, cwd, env) {
  const { code, stdout, output } = await run(command, { cwd, env });
  if (code !== 0) throw new Error(`${command.map((part) => path.basename(part)).join(' ')} failed:\n${output}`);
  return stdout;
}
