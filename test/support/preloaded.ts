import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ChildProcess } from 'node:child_process';
import type { LeakReport } from '../../src/leaks/report.js';
import { programs, spawnNode } from './programs.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export const PRELOAD = ['--import', 'close-wait-guard/register'];
export const SETTINGS = { CLOSE_WAIT_GUARD_TIMEOUT_MS: '300', CLOSE_WAIT_GUARD_INTERVAL_MS: '50' };

export interface LogLine {
  readonly event: string;
  readonly time: string;
  readonly pid: number;
  readonly threadId: number;
  readonly leak: LeakReport;
}

export interface Running {
  readonly child: ChildProcess;
  /** What the program printed, as JSON. */
  readonly printed: any;
  readonly stderr: () => string;
}

/** Starts a test program and waits for the line that says it is set up. It is ended with the stage at the latest. */
export async function start(
  stage: Stage,
  program: string,
  env: Record<string, string>,
  nodeArgs: readonly string[] = PRELOAD,
): Promise<Running> {
  const child = spawnNode([...nodeArgs, path.join(programs, program)], { ...SETTINGS, ...env });
  stage.defer(() => child.kill('SIGKILL'));
  const collected = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (collected.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (collected.stderr += chunk.toString()));
  const line = await until(`${program} to be set up`, () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${collected.stderr}`);
    return /^\{.*\}$/m.exec(collected.stdout)?.[0];
  });
  return { child, printed: JSON.parse(line), stderr: () => collected.stderr };
}

/** Ends a program by SIGTERM and returns its exit code: a program that something keeps alive does not get there. */
export async function end(child: ChildProcess): Promise<number | null> {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** A path in a new folder under os.tmpdir(), which is removed with the stage. */
export function temporaryFile(stage: Stage, name: string): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-test-'));
  stage.defer(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, name);
}

/** Every line of a JSON-lines log; one that does not parse is an error. */
export function logLines(file: string): LogLine[] {
  return existsSync(file) ? parseLines(readFileSync(file, 'utf8')) : [];
}

export function parseLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}
