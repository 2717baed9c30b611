import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const fileOf = (entry: string): string => new URL(`../../../dist/${entry}`, import.meta.url).href;

/** Node's own undici makes itself the global dispatcher once it is loaded: one that a program brings then sends through it. */
const UNDICI_STATE = `console.log(JSON.stringify({
  loaded: process.moduleLoadList.filter((name) => name.endsWith('deps/undici/undici')),
  dispatchers: Object.getOwnPropertySymbols(globalThis).map(String).filter((name) => name.includes('undici')),
}))`;

test.each(['register.js', 'index.js', 'testing.js', 'prometheus.js'])(
  'loading %s does not load the undici of Node',
  async (entry) => {
    const { stdout } = await run(process.execPath, ['--import', fileOf(entry), '--eval', UNDICI_STATE]);
    expect(JSON.parse(stdout)).toEqual({ loaded: [], dispatchers: [] });
  },
);

test('a program that brings its own undici sends through that one', async () => {
  const program = `const { Agent, getGlobalDispatcher } = require('undici');
    console.log(getGlobalDispatcher() instanceof Agent)`;
  const { stdout } = await run(process.execPath, ['--import', fileOf('register.js'), '--eval', program]);
  expect(stdout).toBe('true\n');
});
