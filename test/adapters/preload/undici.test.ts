import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

/** Node's own undici makes itself the global dispatcher once it is loaded: one that a program brings then uses Node's. */
const UNDICI_STATE = `console.log(JSON.stringify({
  loaded: process.moduleLoadList.filter((name) => name.endsWith('deps/undici/undici')),
  dispatchers: Object.getOwnPropertySymbols(globalThis).map(String).filter((name) => name.includes('undici')),
}))`;

test.each(['register.js', 'index.js', 'testing.js', 'prometheus.js'])(
  'loading %s does not load the undici of Node',
  async (entry) => {
    const file = new URL(`../../../dist/${entry}`, import.meta.url).href;
    const { stdout } = await run(process.execPath, ['--import', file, '--eval', UNDICI_STATE]);
    expect(JSON.parse(stdout)).toEqual({ loaded: [], dispatchers: [] });
  },
);
