// Installs the tarball with each package manager, in projects that have and have not the packages it can work with, and runs
// what people run there.
import fs from 'node:fs';
import path from 'node:path';
import { nodeBinary } from '../npm-cache.mjs';
import { binOf, installers, nodeOf } from './installers.mjs';
import { pairwise } from './pairs.mjs';
import { pooled, reasonIn, run } from './run.mjs';
import { printTable } from './table.mjs';
import { fixtures, root } from './tarball.mjs';

const OPTIONAL = ['fastify', 'prom-client', '@prometheus-io/client', 'vitest', 'jest'];
/** What npm 10 cannot install by itself is dropped first, so that the rest of the row is tried all the same. */
const DROPPED_FIRST = ['vitest', 'jest'];
const LEAK = JSON.stringify(['close-wait never-read smtp']);

/**
 * @returns {Promise<{ passed: number, failed: string[], notCounted: string[] }>}
 */
export async function checkInstalls({ tarball, work, jobs, only }) {
  const rows = pairwise({
    installer: only ? installers.filter(({ name }) => name.endsWith(only) || name.startsWith(only)) : installers,
    ...Object.fromEntries(OPTIONAL.map((name) => [name, [false, true]])),
  });
  const results = await pooled(
    rows.map(({ installer, ...wanted }, index) => () => {
      const packages = OPTIONAL.filter((name) => wanted[name]);
      return oneRow({ installer, packages, tarball, folder: path.join(work, `install-${index}`) });
    }),
    jobs,
  );
  const all = results.flat();
  printTable(
    ['installer', 'node', 'with', 'installs', 'import', 'require()', 'jest', 'vitest', 'seconds'],
    all.map(({ installer, packages, steps, seconds }) => [
      installer.name,
      installer.node,
      packages.join(' ') || 'nothing else',
      ...['installs', 'import', 'require()', 'jest', 'vitest'].map((step) => wordFor(steps[step])),
      seconds.toFixed(0),
    ]),
  );
  const told = (kind) =>
    all.flatMap(({ installer, packages, steps }) =>
      Object.entries(steps)
        .filter(([, step]) => step?.kind === kind)
        .map(
          ([name, { reason }]) => `${installer.name} with ${packages.join(' ') || 'nothing else'}: ${name}: ${reason}`,
        ),
    );
  const passed = all.filter(({ steps }) => Object.values(steps).every((step) => !step || step.kind === 'ok')).length;
  return { passed, failed: told('failed'), notCounted: told('refused without us') };
}

function wordFor(step) {
  if (!step) return '-';
  return step.kind === 'failed' ? 'FAILED' : step.kind;
}

const OK = { kind: 'ok' };
const failed = (reason) => ({ kind: 'failed', reason });

/** The row, and before it those whose packages the installer refuses also without this one. */
async function oneRow({ installer, packages, tarball, folder }) {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let outcome;
  try {
    outcome = await install(installer, packages, tarball, folder);
    if (outcome.code !== 0) {
      const without = await install(installer, packages, undefined, `${folder}-without-us`);
      const reason = reasonIn(outcome.output);
      if (without.code === 0) {
        return [{ installer, packages, steps: { installs: failed(reason) }, seconds: seconds() }];
      }
      const refused = {
        installer,
        packages,
        steps: { installs: { kind: 'refused without us', reason } },
        seconds: seconds(),
      };
      const drop = DROPPED_FIRST.find((name) => packages.includes(name));
      if (drop === undefined) return [refused];
      const rest = packages.filter((name) => name !== drop);
      return [refused, ...(await oneRow({ installer, packages: rest, tarball, folder: `${folder}-${drop}` }))];
    }
  } catch (error) {
    // The installer itself cannot be had.
    return [{ installer, packages, steps: { installs: failed(reasonIn(String(error))) }, seconds: seconds() }];
  }
  const steps = { installs: OK };
  const fastify = packages.includes('fastify') ? ['fastify'] : [];
  steps.import = await probe(installer, ['probe.mjs', ...fastify], packages, folder);
  steps['require()'] = await probe(installer, ['probe.cjs', ...fastify], packages, folder);
  if (packages.includes('jest')) {
    steps.jest = await tests(installer, ['jest', 'jest/bin/jest.js'], [], folder, '--experimental-vm-modules');
  }
  if (packages.includes('vitest')) {
    steps.vitest = await tests(installer, ['vitest', 'vitest/vitest.mjs'], ['run'], folder);
  }
  // The others would fill the disk; what failed can be looked at with --keep.
  if (Object.values(steps).every(({ kind }) => kind === 'ok')) fs.rmSync(folder, { recursive: true, force: true });
  return [{ installer, packages, steps, seconds: seconds() }];
}

async function install(installer, packages, tarball, folder) {
  fs.cpSync(path.join(fixtures, 'install'), folder, { recursive: true });
  for (const [name, content] of Object.entries(installer.files ?? {}))
    fs.writeFileSync(path.join(folder, name), content);
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  // The one that this repository does not use itself.
  const ranges = { '@prometheus-io/client': '^0.16.0', ...devDependencies };
  const dependencies = {
    ...(tarball ? { 'close-wait-guard': `file:${tarball}` } : {}),
    ...Object.fromEntries(packages.map((name) => [name, ranges[name]])),
  };
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`);
  return run(installer.install(nodeBinary(installer.node)), { cwd: folder, env: installer.env });
}

async function probe(installer, args, packages, folder) {
  const { code, stdout, output } = await run([...nodeOf(installer), ...args], { cwd: folder, env: installer.env });
  if (code !== 0) return failed(reasonIn(output));
  const { leaks, reason, page } = JSON.parse(stdout);
  if (JSON.stringify(leaks) !== LEAK) return failed(reason ?? `found ${JSON.stringify(leaks)}`);
  if (!packages.includes('fastify')) return OK;
  const hasClient = packages.some((name) => name === 'prom-client' || name === '@prometheus-io/client');
  const wanted = hasClient
    ? { supported: true, statusCode: 200, hasMetrics: true }
    : { supported: true, statusCode: 501 };
  const wrong = Object.entries(wanted).filter(([name, value]) => page?.[name] !== value);
  return wrong.length === 0 ? OK : failed(`the plugin's page: ${JSON.stringify(page)}`);
}

async function tests(installer, [name, file], args, folder, nodeOptions) {
  const env = { ...installer.env, ...(nodeOptions ? { NODE_OPTIONS: nodeOptions } : {}) };
  const { code, output } = await run([...binOf(installer, name, file), ...args], { cwd: folder, env });
  return code === 0 ? OK : failed(reasonIn(output));
}
