// How people bundle a server. Each builds `app.mjs` of its folder, in whose node_modules the package is, into `out/`.
import fs from 'node:fs';
import path from 'node:path';
import { nodeBinary } from '../npm-cache.mjs';
import { must } from './run.mjs';

/**
 * @typedef {object} Bundler
 * @property {string} name
 * @property {string[]} packages what it consists of, as npm is told
 * @property {boolean} [installs] npm installs them beside the application; otherwise they are links into the cache
 * @property {boolean} [short] part of the short form
 * @property {(context: { folder: string, external: boolean, node: string }) => Promise<string[]>} build returns the command
 * that runs what it made. With `external` it leaves the package out of the bundle, as docs/install.md says.
 */

const NAME = 'close-wait-guard';
const bin = (folder, ...segments) => path.join(folder, 'node_modules', ...segments);

const esbuild = (format, file) => ({
  name: `esbuild ${format}`,
  packages: ['esbuild@0.28'],
  short: true,
  async build({ folder, external, node }) {
    const args = ['app.mjs', '--bundle', '--platform=node', `--format=${format}`, `--outfile=out/${file}`];
    if (external) args.push(`--external:${NAME}`);
    await must([node, bin(folder, 'esbuild/bin/esbuild'), ...args], folder);
    return [node, file];
  },
});

const webpack = (format) => ({
  name: `webpack ${format}`,
  packages: ['webpack@5', 'webpack-cli@7'],
  short: true,
  async build({ folder, external, node }) {
    const isModule = format === 'esm';
    const file = isModule ? 'server.mjs' : 'server.cjs';
    const configuration = {
      mode: 'production',
      target: 'node20',
      entry: './app.mjs',
      output: { path: path.join(folder, 'out'), filename: file, ...(isModule ? { module: true } : {}) },
      ...(isModule ? { experiments: { outputModule: true } } : {}),
      // An array of names is read after the kind of output.
      ...(external ? { externals: { [NAME]: `${isModule ? 'module' : 'commonjs'} ${NAME}` } } : {}),
    };
    const name = 'webpack.config.cjs';
    fs.writeFileSync(path.join(folder, name), `module.exports = ${JSON.stringify(configuration)};\n`);
    await must([node, bin(folder, 'webpack/bin/webpack.js'), '--config', name], folder);
    return [node, file];
  },
});

const rollup = {
  name: 'rollup esm',
  packages: ['rollup@4', '@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29', '@rollup/plugin-json@6'],
  async build({ folder, external, node }) {
    fs.writeFileSync(
      path.join(folder, 'rollup.config.mjs'),
      `import commonjs from '@rollup/plugin-commonjs';
      import json from '@rollup/plugin-json';
      import resolve from '@rollup/plugin-node-resolve';
      export default {
        input: 'app.mjs',
        output: { file: 'out/server.mjs', format: 'es', inlineDynamicImports: true },
        external: ${JSON.stringify(external ? [NAME] : [])},
        plugins: [resolve({ preferBuiltins: true }), commonjs(), json()],
      };\n`,
    );
    await must([node, bin(folder, 'rollup/dist/bin/rollup'), '-c', 'rollup.config.mjs'], folder);
    return [node, 'server.mjs'];
  },
};

const vite = {
  name: 'vite ssr',
  packages: ['vite@8'],
  async build({ folder, external, node }) {
    // vite leaves packages out of a server's bundle by itself; `noExternal` is how they get in.
    const ssr = external ? {} : { noExternal: true };
    fs.writeFileSync(
      path.join(folder, 'vite.config.mjs'),
      `export default ${JSON.stringify({ build: { ssr: 'app.mjs', outDir: 'out' }, ssr })};\n`,
    );
    await must([node, bin(folder, 'vite/bin/vite.js'), 'build'], folder);
    return [node, fs.readdirSync(path.join(folder, 'out')).find((file) => /^app\.m?js$/.test(file))];
  },
};

const ncc = {
  name: 'ncc',
  packages: ['@vercel/ncc@0.45'],
  async build({ folder, external, node }) {
    const args = ['build', 'app.mjs', '-o', 'out', ...(external ? ['-e', NAME] : [])];
    await must([node, bin(folder, '@vercel/ncc/dist/ncc/cli.js'), ...args], folder);
    return [node, fs.readdirSync(path.join(folder, 'out')).find((file) => /^index\.m?js$/.test(file))];
  },
};

/** One executable file: the bundle of esbuild in a copy of node, with the addon as an asset. */
const sea = {
  name: 'SEA',
  packages: ['esbuild@0.28', 'postject@1.0.0-alpha.6'],
  async build({ folder, external, node }) {
    const args = ['sea.mjs', '--bundle', '--platform=node', '--format=cjs', '--outfile=out/sea.cjs'];
    await must([node, bin(folder, 'esbuild/bin/esbuild'), ...args], folder);
    const platform = `${process.platform}-${process.arch}`;
    const addon = path.join(folder, 'node_modules', NAME, 'prebuilds', platform, `${NAME}.glibc.node`);
    const configuration = {
      main: 'out/sea.cjs',
      output: 'out/sea.blob',
      disableExperimentalSEAWarning: true,
      assets: { 'close-wait-guard.node': addon },
    };
    fs.writeFileSync(path.join(folder, 'sea.json'), JSON.stringify(configuration));
    await must([node, '--experimental-sea-config', 'sea.json'], folder);
    const program = path.join(folder, 'out', 'server');
    fs.copyFileSync(fs.realpathSync(node), program);
    fs.chmodSync(program, 0o755);
    const fuse = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'];
    await must([node, bin(folder, 'postject/dist/cli.js'), program, 'NODE_SEA_BLOB', 'out/sea.blob', ...fuse], folder);
    return ['./server', ...(external ? ['--with-addon'] : [])];
  },
};

/** Its own server, with the files that it traced. A program of ours starts it and asks its one route. */
const next = {
  name: 'Next.js standalone',
  packages: ['next@16', 'react@19', 'react-dom@19'],
  // It follows no link out of its folder.
  installs: true,
  async build({ folder, external, node }) {
    const configuration = {
      output: 'standalone',
      turbopack: { root: folder },
      outputFileTracingRoot: folder,
      ...(external
        ? {
            serverExternalPackages: [NAME],
            outputFileTracingIncludes: { '/*': [`./node_modules/${NAME}/prebuilds/**`] },
          }
        : {}),
    };
    fs.writeFileSync(path.join(folder, 'next.config.mjs'), `export default ${JSON.stringify(configuration)};\n`);
    fs.mkdirSync(path.join(folder, 'app/leak'), { recursive: true });
    fs.copyFileSync(path.join(folder, 'next/layout.jsx'), path.join(folder, 'app/layout.jsx'));
    fs.copyFileSync(path.join(folder, 'next/route.mjs'), path.join(folder, 'app/leak/route.js'));
    await must([node, bin(folder, 'next/dist/bin/next'), 'build'], folder, { NEXT_TELEMETRY_DISABLED: '1' });
    fs.cpSync(path.join(folder, '.next/standalone'), path.join(folder, 'out'), { recursive: true });
    fs.copyFileSync(path.join(folder, 'next/visit.mjs'), path.join(folder, 'out/visit.mjs'));
    return [node, 'visit.mjs'];
  },
};

/** @type {readonly Bundler[]} */
export const bundlers = [
  esbuild('cjs', 'server.cjs'),
  esbuild('esm', 'server.mjs'),
  webpack('cjs'),
  webpack('esm'),
  rollup,
  vite,
  ncc,
  sea,
  next,
];

export const node = nodeBinary('20');
