/**
 * Builds the addon with this machine's compiler into build/Release, where it is looked for first: what `npm ci` and the tests
 * use, and what makes an installed package work where it carries no binary (docs/install.md).
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeDir, nodeGypCache } from './node-headers.js';
import { cached } from './npm-cache.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const native = path.join(root, 'native');
const FILE = 'close_wait_guard.node';

if (process.platform === 'linux') process.exitCode = build();
else if (fs.existsSync(path.join(root, 'src'))) console.log('The addon is for Linux: nothing to build here.');
else {
  console.error('close-wait-guard reads Linux kernel state: there is nothing to build on this platform.');
  process.exitCode = 1;
}

function build() {
  const tools = toolsFolder();
  const nodeGyp = createRequire(path.join(tools, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
  const nodedir = nodeDir();
  // node-gyp reads npm_config_* and lets it win over its arguments. NODE_PATH is where binding.gyp finds node-addon-api.
  const env = {
    ...process.env,
    NODE_PATH: path.join(tools, 'node_modules'),
    npm_config_devdir: nodeGypCache(),
    ...(nodedir && { npm_config_nodedir: nodedir }),
  };
  // Not `rebuild`: make knows what changed, so a second `npm test` does not compile again.
  const { status } = spawnSync(process.execPath, [nodeGyp, 'configure', 'build', '--silent'], {
    cwd: native,
    env,
    stdio: 'inherit',
  });
  if (status !== 0) {
    console.error('The addon was not built: it takes python3, make and a C++17 compiler, and Node.js headers.');
    return status ?? 1;
  }
  put(path.join(native, 'build', 'Release', FILE), path.join(root, 'build', 'Release', FILE));
  return 0;
}

/** Whose node_modules has node-gyp and node-addon-api: the checkout, or for an installed package a folder of the user's cache. */
function toolsFolder() {
  const names = ['node-gyp', 'node-addon-api'];
  if (names.every((name) => fs.existsSync(path.join(root, 'node_modules', name)))) return root;
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  return cached(
    'build-native',
    names.map((name) => `${name}@${devDependencies[name]}`),
  );
}

/** Puts the new file in the place of the old one: a process that has loaded the old one keeps it. */
function put(from, to) {
  const unchanged = fs.existsSync(to) && fs.statSync(to).mtimeMs >= fs.statSync(from).mtimeMs;
  if (unchanged) return;
  fs.mkdirSync(path.dirname(to), { recursive: true });
  const work = `${to}.${process.pid}`;
  fs.copyFileSync(from, work);
  fs.renameSync(work, to);
}
