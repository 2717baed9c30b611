// The package managers people have. Each comes from npm into the user's cache folder, itself and not by a name on the PATH.
import fs from 'node:fs';
import path from 'node:path';
import { cached, cacheFolder, nodeBinary } from '../npm-cache.mjs';

/**
 * @typedef {object} Installer
 * @property {string} name
 * @property {string} node the line of Node that it and the programs run on
 * @property {(node: string) => string[]} install its command; throws, in npm's words, where it cannot be had
 * @property {Record<string, string>} [env]
 * @property {Record<string, string>} [files] what a project needs beside its package.json
 * @property {(node: string) => string[]} [resolver] what has to stand before a program of the project; a node otherwise
 */

const npm = (line, node) => ({
  name: `npm ${line}`,
  node,
  install: (program) => [
    program,
    path.join(tool(`npm-${line}`, `npm@${line}`), 'npm', 'bin', 'npm-cli.js'),
    ...['install', '--no-audit', '--no-fund', '--prefer-offline'],
  ],
});

const yarn = (linker) => ({
  name: `yarn 4 ${linker}`,
  node: '20',
  install: (program) => [program, yarnProgram(), 'install'],
  env: {
    YARN_NODE_LINKER: linker,
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
    YARN_ENABLE_GLOBAL_CACHE: 'true',
    YARN_GLOBAL_FOLDER: path.join(cacheFolder(), 'yarn'),
  },
  // Without a lock file of its own yarn looks for a project further up.
  files: { 'yarn.lock': '' },
  ...(linker === 'pnp' ? { resolver: (program) => [program, yarnProgram()] } : {}),
});

/** @type {readonly Installer[]} */
export const installers = [
  npm('10', '20'),
  npm('11', '20'),
  npm('12', '22'),
  {
    name: 'pnpm 10',
    node: '20',
    install: (program) => [
      program,
      path.join(tool('pnpm-10', 'pnpm@10'), 'pnpm', 'bin', 'pnpm.cjs'),
      ...['install', '--no-frozen-lockfile', '--prefer-offline', `--store-dir=${path.join(cacheFolder(), 'pnpm')}`],
    ],
  },
  {
    name: 'pnpm 12',
    node: '22',
    install: () => {
      const platform = `@pnpm/exe.linux-${process.arch}`;
      const program = path.join(tool('pnpm-12', `${platform}@12`), platform, 'pnpm');
      fs.chmodSync(program, 0o755);
      return [
        program,
        ...['install', '--no-frozen-lockfile', '--prefer-offline', `--store-dir=${path.join(cacheFolder(), 'pnpm')}`],
      ];
    },
    // Some package below jest has an install script, which it refuses whether we are there or not.
    files: { 'pnpm-workspace.yaml': 'strictDepBuilds: false\n' },
  },
  yarn('node-modules'),
  yarn('pnp'),
  {
    name: 'bun 1',
    node: '22',
    install: () => {
      const platform = `@oven/bun-linux-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;
      return [path.join(tool('bun-1', `${platform}@1`), platform, 'bin', 'bun'), 'install'];
    },
    env: { BUN_INSTALL_CACHE_DIR: path.join(cacheFolder(), 'bun') },
  },
];

/** The command that runs a program of a project with its Node. */
export function nodeOf({ node, resolver }) {
  return resolver ? [...resolver(nodeBinary(node)), 'node'] : [nodeBinary(node)];
}

/** The command that runs what a package of the project has as its `bin`; `file` is its path in node_modules. */
export function binOf({ node, resolver }, name, file) {
  return resolver ? [...resolver(nodeBinary(node)), 'run', name] : [nodeBinary(node), path.join('node_modules', file)];
}

function tool(name, spec) {
  return path.join(cached(`tool-${name}`, [spec]), 'node_modules');
}

function yarnProgram() {
  return path.join(tool('yarn-4', '@yarnpkg/cli-dist@4'), '@yarnpkg', 'cli-dist', 'bin', 'yarn.js');
}
