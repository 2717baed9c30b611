/**
 * What the binaries of the package are, and where each was seen to run. Prints a table; exits with 1 when one is not as it must be,
 * or could not be run.
 *
 *   npm run check:binaries
 *   npm run check:binaries -- --short                  not: a second build, other lines of Node.js
 *   npm run check:binaries -- --tarball FILE.tgz       those of a packed package
 *   npm run proof -- binaries                          with the table in docs/proof.md
 *
 * What is needed beyond node_modules is fetched from npm and Debian, once, into the user's cache folder.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { buildTarget, prebuilds, TARGETS } from '../build-prebuilds.mjs';
import { excessOf, floorOf, requirementsOf } from '../check-binary.mjs';
import { environmentOfAUser, run } from '../npm-cache.mjs';
import { enterContainers, whyNoContainers } from './containers.mjs';
import { table, writeTable } from '../proof/page.mjs';
import * as runtimes from './runtimes.mjs';

const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1', 'close_wait_guard_watches'];
const MOST_BYTES = 1_200_000;
const root = path.join(import.meta.dirname, '../..');
const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    tarball: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
const TEXT = `
What the package carries for each platform, all from one compiler, and where each was run. *The same bytes* came from a second build in another folder, with
nothing left of the first. *Symbol floor* is the oldest glibc that has all it asks for; *finds a leak* is a socket that a raw server never reads,
named with its cause and server, and every call of the addon answered as the kernel does.
`;
const faults = [];
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-binaries-'));

try {
  const folder = unpack();
  const rows = [];
  for (const target of TARGETS) rows.push(check(target, path.join(folder, 'prebuilds', target.file), folder));
  print(rows);
  containers(folder);
} finally {
  fs.rmSync(work, { recursive: true, force: true });
}
for (const fault of faults) console.log(`FAILED: ${fault}`);
console.log(`\ncheck-binaries: ${TARGETS.length} binaries, ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

/** The package as it is installed, with what it depends on. */
function unpack() {
  const modules = path.join(work, 'node_modules');
  const folder = path.join(modules, 'close-wait-guard');
  fs.mkdirSync(folder, { recursive: true });
  fs.symlinkSync(path.join(root, 'node_modules/fastify-plugin'), path.join(modules, 'fastify-plugin'));
  if (options.tarball !== undefined) {
    run('tar', ['-xzf', path.resolve(options.tarball), '--strip-components=1', '-C', folder], root);
  } else {
    for (const name of ['dist', 'package.json'])
      fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
    fs.cpSync(prebuilds(), path.join(folder, 'prebuilds'), { recursive: true });
  }
  return folder;
}

function check(target, file, folder) {
  const shown = target.file;
  if (!fs.existsSync(file)) {
    faults.push(`${shown} is not in the package`);
    return [shown, 'missing'];
  }
  const elf = requirementsOf(file);
  const wrong = [
    ...excessOf(elf),
    ...(elf.bindNow && elf.relro ? [] : ['is not bound and read-only when it is loaded (BIND_NOW, RELRO)']),
    ...elf.exported.filter((name) => !EXPORTS.includes(name)).map((name) => `exports ${name}`),
    ...EXPORTS.filter((name) => !elf.exported.includes(name)).map((name) => `does not export ${name}`),
    ...(target.platform === `linux-${elf.machine}` ? [] : [`is for ${elf.machine}`]),
  ];
  for (const line of wrong) faults.push(`${shown} ${line}`);
  const ways = [...runsOf(target, file, folder), ...(options.short ? [] : [() => buildAgain(target, file)])];
  const seen = ways.flatMap((one) => {
    try {
      return [one()];
    } catch (error) {
      faults.push(`${shown}: ${error.message}`);
      return [];
    }
  });
  const bytes = fs.statSync(file).size;
  const floor = floorOf(elf).join(' ') || 'none';
  const hardening = elf.bindNow && elf.relro ? 'full RELRO' : 'no';
  return [shown, `${(bytes / 1000).toFixed(0)} kB`, floor, elf.needed.join(' '), hardening, seen.join('; ')];
}

function runsOf({ platform, libc }, file, folder) {
  const onTour = (runtime) => () => runtimes.tour(runtime(), folder, libc);
  const installed = (runtime) =>
    options.short || options.tarball === undefined ? [] : [() => runtimes.install(runtime(), options.tarball, work)];
  if (platform === 'linux-arm64') {
    return libc === 'musl' ? [() => runtimes.bindOnly(file)] : [onTour(runtimes.arm64), ...installed(runtimes.arm64)];
  }
  if (libc === 'musl') return [onTour(runtimes.musl), ...installed(runtimes.musl)];
  const lines = options.short ? [] : ['22', '24', '26'];
  return [
    onTour(runtimes.native),
    ...installed(runtimes.native),
    ...lines.map((line) => onTour(() => runtimes.native(line))),
    () => suite(file),
  ];
}

/** The tests of the addon and of what loads it, with this binary in the place of the one that was built here. */
function suite(file) {
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const results = path.join(work, 'suite.json');
  const args = [
    vitest,
    'run',
    'test/kernel',
    'test/tooling/package/load.test.ts',
    '--reporter=json',
    `--outputFile=${results}`,
  ];
  const env = { ...environmentOfAUser(), CWG_TESTED_ADDON: file };
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (!fs.existsSync(results)) throw new Error(`its tests did not run: ${stdout}${stderr}`);
  const { numPassedTests, numFailedTests, success, testResults } = JSON.parse(fs.readFileSync(results, 'utf8'));
  if (!success || numPassedTests === 0) {
    const failed = testResults.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ status }) => status === 'failed'),
    );
    throw new Error(`${numFailedTests} tests fail with it: ${failed.map(({ fullName }) => fullName).join('; ')}`);
  }
  return `passes ${numPassedTests} tests of the addon`;
}

/** In another folder, with nothing left of the first build. */
function buildAgain(target, file) {
  const from = path.join(work, 'another', 'folder');
  fs.cpSync(path.join(root, 'native'), path.join(from, 'native'), { recursive: true });
  const out = path.join(work, `again-${path.basename(file)}`);
  buildTarget(target, out, { from, scratch: path.join(work, 'scratch') });
  if (!fs.readFileSync(out).equals(fs.readFileSync(file)))
    throw new Error('another build in another folder gives other bytes');
  return 'the same bytes';
}

function containers(folder) {
  const reason = whyNoContainers();
  if (reason !== undefined) {
    console.log(`\nNOT TESTED HERE: containers: ${reason}`);
    return;
  }
  console.log('\ncontainers, in each of which a leak is found:');
  for (const { name, fault } of enterContainers(folder, work)) {
    console.log(`  ${fault === '' ? 'ok' : 'FAILED'}: ${name}`);
    if (fault !== '') faults.push(`in a container (${name}): ${fault}`);
  }
}

function print(rows) {
  const head = ['binary', 'size', 'symbol floor', 'NEEDED', 'hardening', 'seen'];
  console.log(`\n${table(head, rows)}`);
  if (options.write) writeTable('binaries', { title: 'The binaries', text: TEXT, head, rows, all: true });
  const files = TARGETS.map(({ file }) => path.join(work, 'node_modules/close-wait-guard/prebuilds', file));
  const bytes = files.filter((file) => fs.existsSync(file)).reduce((sum, file) => sum + fs.statSync(file).size, 0);
  console.log(`\ntogether: ${bytes} bytes, of at most ${MOST_BYTES}`);
  if (bytes > MOST_BYTES) faults.push(`the binaries have ${bytes} bytes, of at most ${MOST_BYTES}`);
}
