/**
 * Builds the addon: into build/Release (what `npm ci` and the tests use), or with --prebuild into prebuilds/ (what the
 * package carries, see `prepack`).
 * Both look for Node's headers in the same places, see node-headers.js; prebuildify alone would download into a cache of its own.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeDir, nodeGypCache } from './node-headers.js';

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL('..', import.meta.url));

// node-gyp reads npm_config_* and lets it win over its arguments.
const nodedir = nodeDir();
if (nodedir) process.env.npm_config_nodedir = nodedir;
process.env.npm_config_devdir = nodeGypCache();

if (process.argv.includes('--prebuild')) {
  fs.rmSync(path.join(root, 'prebuilds', `${process.platform}-${process.arch}`), { recursive: true, force: true });
  // The compiler's errors and node-gyp's, without its diary.
  process.env.npm_config_loglevel = 'error';
  const prebuildify = require('prebuildify');
  prebuildify({ cwd: root, napi: true, strip: true, tagLibc: true, targets: [process.version] }, (error) => {
    if (!error) return;
    console.error(error.message);
    process.exitCode = 1;
  });
} else {
  // Not `rebuild`: make knows what changed, so a second `npm test` does not compile again.
  const nodeGyp = require.resolve('node-gyp/bin/node-gyp.js');
  const { status } = spawnSync(process.execPath, [nodeGyp, 'configure', 'build', '--silent'], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
