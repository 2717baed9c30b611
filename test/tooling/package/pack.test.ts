import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const fixtures = path.join(root, 'test/fixtures/package');

interface Manifest {
  version: string;
  scripts?: Record<string, string>;
  exports: Record<string, string | Conditions>;
  gypfile?: boolean;
}

interface Conditions {
  readonly [condition: string]: string | Conditions;
}

/** Everything below happens in a directory of its own: packing rebuilds build/ and dist/, which other tests are using. */
let work: string;
/** An empty project in which the tarball is installed. */
let project: string;
let installed: string;
let packedFiles: string[];

beforeAll(async () => {
  work = await fs.mkdtemp(path.join(os.tmpdir(), 'close-wait-guard-pack-'));
  await pack();
  await install();
}, 600_000);

afterAll(() => fs.rm(work, { recursive: true, force: true }));

async function pack(): Promise<void> {
  const clone = path.join(work, 'clone');
  const left = new Set(['node_modules', '.git', 'build', 'native/build', 'dist', 'prebuilds', 'coverage', '.scratch']);
  await fs.cp(root, clone, { recursive: true, filter: (source) => !left.has(path.relative(root, source)) });
  await fs.symlink(path.join(root, 'node_modules'), path.join(clone, 'node_modules'));
  // The binaries of all platforms take minutes to compile: `npm run check:binaries` and `check:release` look at them.
  await run('npm', ['pack', '--pack-destination', work], clone, { PREBUILDS: 'here' });
}

async function install(): Promise<void> {
  const tarball = path.join(work, `close-wait-guard-${(await readManifest(root)).version}.tgz`);
  packedFiles = (await run('tar', ['-tzf', tarball], work)).trim().split('\n').sort();
  project = path.join(work, 'project');
  installed = path.join(project, 'node_modules/close-wait-guard');
  await fs.cp(fixtures, project, { recursive: true });
  for (const name of ['consumer.mts', 'consumer.cts']) {
    await fs.cp(path.join(fixtures, '../types/full.ts'), path.join(project, name));
  }
  await fs.writeFile(path.join(project, 'package.json'), '{ "private": true }\n');
  // The versions this repository has: npm has them in its cache and need not ask the registry.
  const peers = await Promise.all(
    ['fastify', 'prom-client', 'typescript', '@types/node'].map(
      async (name) => `${name}@${(await readManifest(path.join(root, 'node_modules', name))).version}`,
    ),
  );
  await run(
    'npm',
    ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', tarball, ...peers],
    project,
  );
}

async function readManifest(directory: string): Promise<Manifest> {
  return JSON.parse(await fs.readFile(path.join(directory, 'package.json'), 'utf8')) as Manifest;
}

/** Runs a program as a user's shell would, without what npm and vitest put into this environment; its whole output is the error. */
async function run(command: string, args: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(lifecycle|package|command|node)|VITEST|NODE_ENV$|NODE_OPTIONS$|TEST$)/.test(name),
  );
  try {
    const { stdout } = await promisify(execFile)(command, args, {
      cwd,
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1', ...env },
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

/** Runs a program of the project and reads the one JSON line that it prints. */
async function runJson(...args: string[]): Promise<any> {
  return JSON.parse(await run(process.execPath, args, project));
}

describe('the tarball', () => {
  it('carries dist, docs, README and licence, the binary of this platform, and what builds another', () => {
    const tops = new Set(packedFiles.map((file) => file.split('/')[1]));
    expect([...tops].sort()).toEqual(
      [
        'LICENSE',
        'README.md',
        'dist',
        'docs',
        'monitoring',
        'native',
        'package.json',
        'prebuilds',
        'schema',
        'scripts',
      ].sort(),
    );
    expect(packedFiles.filter((file) => /^package\/(prebuilds|scripts)\//.test(file))).toEqual([
      `package/prebuilds/linux-${process.arch}/close-wait-guard.glibc.node`,
      'package/scripts/build-native.js',
      'package/scripts/node-headers.js',
      'package/scripts/npm-cache.mjs',
    ]);
  });

  it('has no binding.gyp in its root: Yarn and pnpm would compile it when it is installed', () => {
    expect(packedFiles.filter((file) => file.endsWith('binding.gyp'))).toEqual(['package/native/binding.gyp']);
  });

  it('knows no place of its own when it is imported: no import.meta, and no path but in the one file that says where it lies', async () => {
    const scripts = packedFiles.filter((file) => /^package\/dist\/.*\.[cm]?js$/.test(file));
    const own = /^package\/dist\/(cjs\/)?base\/package-folder\.cjs$|^package\/dist\/cjs\/testing\/runners\/jest\.cjs$/;
    const telling: string[] = [];
    for (const file of scripts.filter((name) => !own.test(name))) {
      const code = (await fs.readFile(path.join(installed, file.replace(/^package\//, '')), 'utf8')).replace(
        /\/\*[^]*?\*\/|\/\/.*/g,
        '',
      );
      if (/\bimport\.meta\b|\b__(dirname|filename)\b/.test(code)) telling.push(file);
    }
    expect(telling).toEqual([]);
  });

  it('has no install script, and tells npm not to look for one', async () => {
    const manifest = await readManifest(installed);
    expect(manifest.gypfile).toBe(false);
    expect(Object.keys(manifest.scripts ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(pre|post)?install$/)]),
    );
  });

  it('has every file its entry points name', async () => {
    const { exports } = await readManifest(installed);
    const filesIn = (entry: string | Conditions): string[] =>
      typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(filesIn);
    const named = Object.values(exports).flatMap(filesIn);
    const missing = named.filter((file) => !packedFiles.includes(path.posix.join('package', file)));
    expect(missing).toEqual([]);
  });

  it('says nothing of the machine it was packed on', async () => {
    const telling: string[] = [];
    for (const file of packedFiles) {
      const content = await fs.readFile(path.join(installed, file.replace(/^package\//, '')));
      if (content.includes(work) || content.includes(root) || content.includes(os.homedir() + path.sep))
        telling.push(file);
    }
    expect(telling).toEqual([]);
  });
});

describe('installed with npm install --ignore-scripts', () => {
  const leak = { kind: 'close-wait', cause: 'never-read', side: 'inbound', server: 'smtp' };

  it.each(['esm.mjs', 'cjs.cjs'])('finds a real leak from %s', async (program) => {
    const { supported, port, leaks } = await runJson(program);
    expect(supported).toBe(true);
    expect(leaks).toEqual([expect.objectContaining({ ...leak, localPort: port })]);
  });

  it('is a Fastify plugin as require() gives it', async () => {
    const { supported, status, body } = await runJson('plugin.cjs');
    expect({ supported, status }).toEqual({ supported: true, status: 200 });
    expect(body).toContain('close_wait_sockets');
  });

  it('type-checks in a strict TypeScript project, as an ES module and as CommonJS', async () => {
    const tsc = createRequire(path.join(project, 'package.json')).resolve('typescript/bin/tsc');
    expect(await run(process.execPath, [tsc, '-p', '.'], project)).toBe('');
  }, 120_000);

  it('watches a program that does not know of it', async () => {
    expect(await run(process.execPath, ['--import', 'close-wait-guard/register', '-p', '6 * 7'], project)).toBe('42\n');
  });

  it('needs no Fastify to guard a raw server', async () => {
    const fastify = path.join(project, 'node_modules/fastify');
    await fs.rename(fastify, `${fastify}.away`);
    try {
      expect((await runJson('esm.mjs')).leaks).toEqual([expect.objectContaining(leak)]);
    } finally {
      await fs.rename(`${fastify}.away`, fastify);
    }
  });
});

describe('where there is no compiler', () => {
  it.each([
    ['here'],
    ['for arm64', '--cpu=arm64'],
    ['for macOS', '--os=darwin', '--cpu=arm64'],
    ['for Windows', '--os=win32'],
  ])(
    'it installs %s, with its scripts allowed',
    async (_where, ...flags) => {
      const folder = await fs.mkdtemp(path.join(work, 'no-compiler-'));
      const bin = path.join(folder, 'bin');
      await fs.mkdir(bin);
      await fs.symlink(process.execPath, path.join(bin, 'node'));
      await fs.symlink('/bin/sh', path.join(bin, 'sh'));
      const npm = await fs.realpath((await run('which', ['npm'], folder)).trim());
      await fs.writeFile(path.join(folder, 'package.json'), '{ "private": true }\n');
      const tarball = path.join(work, `close-wait-guard-${(await readManifest(root)).version}.tgz`);
      const install = [npm, 'install', '--prefer-offline', '--no-audit', '--no-fund', ...flags, tarball];
      await run(process.execPath, install, folder, { PATH: bin });
      expect(await fs.readdir(path.join(folder, 'node_modules'))).toEqual(
        expect.arrayContaining(['close-wait-guard', 'fastify-plugin']),
      );
    },
    120_000,
  );
});

describe('where there is no binary', () => {
  beforeAll(() => fs.rm(path.join(installed, 'prebuilds'), { recursive: true }));

  it('is not supported, says so once, and everything else works', async () => {
    const { warnings, body, ...seen } = await runJson('unsupported.mjs');
    expect(seen).toEqual({
      supported: false,
      pluginSupported: false,
      leaks: [],
      sockets: [],
      found: [],
      stats: 'object',
      status: 200,
    });
    expect(body).toContain('close_wait_sockets');
    expect(warnings).toEqual([
      { code: 'CWG_WARN_UNSUPPORTED', message: expect.stringMatching(/addon .*could not be loaded/) },
    ]);
  });

  it('still preloads', async () => {
    expect(await run(process.execPath, ['--import', 'close-wait-guard/register', '-p', '6 * 7'], project)).toBe('42\n');
  });

  it('gets one from the command in docs/install.md, and then finds a real leak', async () => {
    const command = 'node node_modules/close-wait-guard/scripts/build-native.js';
    expect(await fs.readFile(path.join(root, 'docs/install.md'), 'utf8')).toContain(`\n${command}\n`);
    await run('sh', ['-c', command], project);
    expect(await runJson('esm.mjs')).toMatchObject({ supported: true, leaks: [{ kind: 'close-wait' }] });
  }, 120_000);
});
