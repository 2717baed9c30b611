// The containers that docs/install.md tells of, as far as one can be made without an image: a root folder with Node.js, the libraries
// it is linked to, the package and nothing else, entered by chroot in namespaces of its own.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { run } from '../npm-cache.mjs';
import { zig } from '../zig.mjs';
import { muslNode } from './musl-node.mjs';

/** What is seen where nothing is refused. */
const FOUND = { supported: true, leaks: ['close-wait never-read smtp'], errors: {}, warnings: [] };
const PLAIN = { ...FOUND, pid: 1, uid: 0, shell: false, writes: true, proc: true, libc: 'glibc' };
const NON_ROOT = { uid: 65532, writes: false };
const REFUSED = { errors: { sock_diag: 1 }, warnings: ['CWG_WARN_SOCK_DIAG'] };

/** By the ways of enter.c. */
const CONTAINERS = [
  { name: 'distroless-like: no shell, PID 1', ways: '-', seen: PLAIN },
  { name: 'and a read-only root', ways: 'r', seen: { ...PLAIN, writes: false } },
  { name: 'and not root, no privileges, read-only root', ways: 'ru', seen: { ...PLAIN, ...NON_ROOT } },
  { name: 'and a seccomp filter that refuses netlink', ways: 'run', seen: { ...PLAIN, ...NON_ROOT, ...REFUSED } },
  { name: 'and no /proc', ways: 'rup', seen: { ...PLAIN, ...NON_ROOT, proc: false } },
  {
    name: "Alpine-like: musl's libc, no shell, PID 1, not root, read-only root",
    ways: 'ru',
    musl: true,
    seen: { ...PLAIN, ...NON_ROOT, libc: 'musl' },
  },
];

/** Why none can be entered here, or undefined. */
export function whyNoContainers() {
  if (process.getuid() !== 0) return 'only root can enter a container';
  const { status, stderr, error } = spawnSync('unshare', ['--mount', '--pid', '--fork', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `unshare: ${stderr || error}`;
}

/** Enters each with an unpacked package. @returns a line for each, and the faults */
export function enterContainers(folder, work) {
  const enter = path.join(work, 'enter');
  zig(['cc', '-target', 'x86_64-linux-musl', '-static', '-O1', '-o', enter, 'enter.c'], { cwd: import.meta.dirname });
  const roots = { glibc: glibcRoot(folder, work), musl: muslRoot(folder, work) };
  return CONTAINERS.map(({ name, ways, musl, seen }) => {
    const { root, command } = musl ? roots.musl : roots.glibc;
    const args = ['--mount', '--pid', '--fork', enter, root, ways, ...command, '/app/container.cjs'];
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
    fs.rmSync(path.join(root, 'app', 'written'), { force: true });
    const line = stdout.trim().split('\n').at(-1);
    if (!line.startsWith('{')) return { name, fault: `it printed no result: ${stdout}${stderr}` };
    const result = JSON.parse(line);
    const wrong = Object.keys(seen).filter((key) => !isDeepStrictEqual(result[key], seen[key]));
    const fault = wrong
      .map((key) => `${key} is ${JSON.stringify(result[key])} in place of ${JSON.stringify(seen[key])}`)
      .join('; ');
    return { name, fault };
  });
}

function glibcRoot(folder, work) {
  const root = path.join(work, 'root-glibc');
  put(process.execPath, root, '/usr/bin/node');
  // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the loader without an arrow.
  const libraries = run('ldd', [process.execPath], work).match(/\/\S+/g);
  for (const library of new Set(libraries)) put(library, root, library);
  application(folder, root);
  return { root, command: ['/usr/bin/node'] };
}

function muslRoot(folder, work) {
  const root = path.join(work, 'root-musl');
  const [loader, , libraries, , , program] = muslNode();
  put(program, root, '/usr/bin/node');
  put(loader, root, '/lib/ld-musl-x86_64.so.1');
  fs.cpSync(libraries, path.join(root, 'lib'), { recursive: true });
  fs.cpSync(path.join(path.dirname(loader), 'dist'), path.join(root, 'lib', 'dist'), { recursive: true });
  application(folder, root);
  const command = [
    '/lib/ld-musl-x86_64.so.1',
    '--library-path',
    '/lib',
    '--preload',
    '/lib/musl-shim.so',
    '/usr/bin/node',
  ];
  return { root, command };
}

function application(folder, root) {
  const app = path.join(root, 'app');
  const modules = path.join(app, 'node_modules');
  fs.mkdirSync(path.join(root, 'proc'));
  fs.cpSync(folder, path.join(modules, 'close-wait-guard'), { recursive: true });
  const plugin = fs.realpathSync(path.join(folder, '../fastify-plugin'));
  fs.cpSync(plugin, path.join(modules, 'fastify-plugin'), { recursive: true });
  fs.copyFileSync(path.join(import.meta.dirname, 'container.cjs'), path.join(app, 'container.cjs'));
  const fixtures = path.join(import.meta.dirname, '../../test/fixtures/install');
  fs.copyFileSync(path.join(fixtures, 'find-leak.cjs'), path.join(app, 'find-leak.cjs'));
}

function put(file, root, place) {
  const to = path.join(root, place);
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.copyFileSync(fs.realpathSync(file), to);
}
