import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { TestContext } from 'vitest';
import { environmentOfAUser, root, type Outcome } from '../../support/programs.js';

export const fixtures = path.join(root, 'test/fixtures');

/** Runs a program in a folder to its end, as a user does who has no colours. */
export async function runIn(
  cwd: string,
  command: readonly string[],
  env: Record<string, string> = {},
  node = process.execPath,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...environmentOfAUser(), NO_COLOR: '1', CI: '1', ...env }, timeout: 120_000 };
    execFile(node, command, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, signal: error?.signal ?? null, stdout, stderr });
    });
  });
}

/** The failure a runner printed, without what differs from run to run: ports, times, versions, where the project is. */
export function normalised(printed: string): string {
  return (
    printed
      .replaceAll(root, 'ROOT')
      .replace(/(?<=\(http:)\d+(?=\))/g, 'PORT')
      .replace(/[\d,]+(?= unread)/g, 'N')
      // Runners show the time of a test only when it was slow.
      .replace(/ \([\d.]+ ?m?s\)/g, '')
      .replace(/[\d.]+ ?m?s\b/g, 'TIME')
      .replace(/(?<=duration_ms[ :]+)[\d.]+/g, 'TIME')
      .replace(/[ \t]+$/gm, '')
      .trim()
  );
}

/** What the runner is to print for a fixture project, as {@link normalised} leaves it. */
export function storedFailure(project: string): string {
  return readFileSync(path.join(fixtures, project, 'expected-failure.txt'), 'utf8').trim();
}

/**
 * A copy of a fixture project beside a runner that is no devDependency, with the built package in its node_modules, as npm
 * would put it there. Undefined, with npm's words, where the runner cannot be installed.
 */
export async function projectWith(
  spec: string,
  project: string,
): Promise<{ folder: string; runner: string; remove: () => void } | { reason: string }> {
  let runner: string;
  try {
    const script = path.join(root, 'scripts/install-runner.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, spec], { env: environmentOfAUser() });
    runner = stdout.trim();
  } catch (error) {
    return { reason: (error as { stderr?: string }).stderr?.trim() ?? String(error) };
  }
  const home = mkdtempSync(path.join(runner, 'project-'));
  const own = path.join(home, 'node_modules/close-wait-guard');
  mkdirSync(own, { recursive: true });
  for (const file of ['package.json', 'dist', 'build/Release/close_wait_guard.node']) {
    cpSync(path.join(root, file), path.join(own, file), { recursive: true });
  }
  for (const fixture of ['shop', project]) {
    cpSync(path.join(fixtures, fixture), path.join(home, fixture), { recursive: true });
  }
  return {
    folder: path.join(home, project),
    runner,
    remove: () => {
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** The program of a line of Node, fetched from npm once; skips the test, with npm's words, where that cannot be reached. */
export async function nodeOrSkip(context: TestContext, line: string): Promise<string> {
  const script = path.join(root, 'scripts/npm-cache.mjs');
  const { code, stdout, stderr } = await runIn(root, [script, 'node', line], {}, process.execPath);
  context.skip(code !== 0, `Node ${line} is not here: ${stderr.trim()}`);
  return stdout.trim();
}
