import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, type TestContext } from 'vitest';
import { nodeOrSkip, runIn } from '../adapters/testing/runner-projects.js';
import { jsonOf, root } from '../support/programs.js';
import type { Outcome } from '../support/programs.js';

export interface Sdk {
  readonly sdk: number;
  /** The folder of test/apis with its packages. */
  readonly api: string;
  /** A line of Node that it runs on. */
  readonly line: string;
}

const [own = ''] = process.versions.node.split('.', 1);

/** OpenTelemetry's SDKs: version 3 needs Node 22.15. */
export const SDKS: readonly Sdk[] = [
  { sdk: 2, api: 'otel-2', line: own },
  { sdk: 3, api: 'otel-3', line: Number(own) >= 24 ? own : '24' },
];

/** Installs the packages once, before the tests of a file. */
export function installed(): Map<Sdk, string | undefined> {
  const missing = new Map<Sdk, string | undefined>();
  beforeAll(async () => {
    for (const sdk of SDKS) missing.set(sdk, await install(sdk.api));
  }, 300_000);
  return missing;
}

/** Undefined, or why it is not there. */
async function install(api: string): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, [path.join(root, 'scripts/install-apis.mjs'), api]);
    return undefined;
  } catch (error) {
    return (error as { stderr?: string }).stderr?.trim() ?? String(error);
  }
}

export interface Play {
  readonly program: readonly string[];
  readonly env?: Record<string, string>;
  readonly nodeArgs?: readonly string[];
}

/** Skips the test where npm, which has the packages and the Node, is not reached. */
export async function nodeFor(context: TestContext, missing: Map<Sdk, string | undefined>, sdk: Sdk): Promise<string> {
  const reason = missing.get(sdk);
  context.skip(reason !== undefined, `the packages of SDK ${sdk.sdk} are not here: ${reason}`);
  return nodeOrSkip(context, sdk.line);
}

/** Runs one of test/otel/programs with the packages of an SDK. */
export async function run(
  context: TestContext,
  missing: Map<Sdk, string | undefined>,
  sdk: Sdk,
  { program, env = {}, nodeArgs = [] }: Play,
): Promise<Outcome> {
  const node = await nodeFor(context, missing, sdk);
  const main = path.join(root, 'test/apis', sdk.api, 'main.mjs');
  return runIn(path.dirname(main), [...nodeArgs, main, ...program], env, node);
}

/** What a program printed. */
export async function play(...args: Parameters<typeof run>): Promise<any> {
  return jsonOf(await run(...args));
}
