// Bundles an application that uses the package. Taken into the bundle without a thought, the application starts and the guard
// says what to do; done as docs/install.md says, it finds a real leak.
import fs from 'node:fs';
import path from 'node:path';
import { cached } from '../npm-cache.mjs';
import { bundlers, node } from './bundlers.mjs';
import { must, pooled, reasonIn, run } from './run.mjs';
import { printTable } from './table.mjs';
import { fixtures } from './tarball.mjs';

const LEAK = JSON.stringify(['close-wait never-read smtp']);
const ADVICE = /mark close-wait-guard as external.*CLOSE_WAIT_GUARD_ADDON.*docs\/install\.md/;
const NPM_INSTALL = ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts'];
const STEPS = ['starts, and says what to do', 'as documented', 'with the .node file named'];

export async function checkBundles({ tarball, work, jobs, short, only }) {
  const app = await application(tarball, work);
  const chosen = bundlers.filter((bundler) => (!short || bundler.short) && bundler.name.includes(only ?? ''));
  const results = await pooled(
    chosen.map((bundler, index) => () => check(bundler, app, path.join(work, `bundle-${index}`))),
    jobs,
  );
  printTable(
    ['bundler', ...STEPS, 'seconds'],
    results.map(({ bundler, steps, seconds }) => [
      bundler.name,
      ...STEPS.map((step) => (steps[step] === undefined ? '-' : steps[step] === '' ? 'ok' : 'FAILED')),
      seconds.toFixed(0),
    ]),
  );
  const failed = results.flatMap(({ bundler, steps }) =>
    Object.entries(steps).flatMap(([step, reason]) => (reason === '' ? [] : [`${bundler.name}: ${step}: ${reason}`])),
  );
  const passed = results.filter(({ steps }) => Object.values(steps).every((reason) => reason === '')).length;
  return { passed, failed, notCounted: [] };
}

/** A folder with the application, and the package installed in it. */
async function application(tarball, work) {
  const folder = path.join(work, 'bundles');
  fs.cpSync(path.join(fixtures, 'bundles'), folder, { recursive: true });
  const dependencies = { 'close-wait-guard': `file:${tarball}` };
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true, dependencies }));
  await must(NPM_INSTALL, folder);
  return folder;
}

/** What went wrong in each step: nothing, or why. */
async function check(bundler, app, base) {
  const started = performance.now();
  const steps = {};
  const attempt = async (step, action) => {
    try {
      steps[step] = await action();
    } catch (error) {
      steps[step] = reasonIn(String(error.message ?? error));
    }
  };
  await attempt(STEPS[0], async () => {
    const outcome = await build(bundler, app, base, false);
    const { result, reason } = await runBundle(outcome);
    if (reason) return reason;
    if (result.supported || result.leaks.length > 0) return `it found its addon: ${JSON.stringify(result)}`;
    if (result.warnings.length !== 1 || !ADVICE.test(result.warnings[0])) return JSON.stringify(result.warnings);
    if (bundler.name === 'SEA') return '';
    await attempt(STEPS[2], async () => leakIn(await runBundle(outcome, { CLOSE_WAIT_GUARD_ADDON: addonOf(app) })));
    return '';
  });
  await attempt(STEPS[1], async () => leakIn(await runBundle(await build(bundler, app, `${base}-external`, true))));
  return { bundler, steps, seconds: (performance.now() - started) / 1000 };
}

function leakIn({ result, reason }) {
  if (reason) return reason;
  return JSON.stringify(result.leaks) === LEAK && result.warnings.length === 0 ? '' : JSON.stringify(result);
}

async function build(bundler, app, folder, external) {
  fs.cpSync(app, folder, { recursive: true });
  if (bundler.installs) await must([...NPM_INSTALL, ...bundler.packages], folder);
  else for (const spec of bundler.packages) link(folder, cached(`bundler-${slug(bundler)}`, bundler.packages), spec);
  const command = await bundler.build({ folder, external, node });
  const out = path.join(folder, 'out');
  if (external) return { command, cwd: out };
  // Where no node_modules is above it.
  const deployed = fs.mkdtempSync(path.join(path.dirname(folder), 'deployed-'));
  fs.cpSync(out, deployed, { recursive: true });
  return { command, cwd: deployed };
}

function slug({ packages }) {
  return packages.join('+').replaceAll('/', '-');
}

/** A bundler's own packages stay in the cache, and are found from there. */
function link(folder, cache, spec) {
  const name = spec.replace(/(?<=.)@[^@/]*$/, '');
  const target = path.join(folder, 'node_modules', name);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  if (!fs.existsSync(target)) fs.symlinkSync(path.join(cache, 'node_modules', name), target);
}

async function runBundle({ command, cwd }, env) {
  const { code, stdout, output } = await run(command, { cwd, env, timeoutMs: 60_000 });
  if (code !== 0) return { reason: `exit ${code}: ${reasonIn(output)}` };
  try {
    return { result: JSON.parse(stdout) };
  } catch {
    return { reason: `printed ${JSON.stringify(stdout.slice(0, 200))}` };
  }
}

function addonOf(app) {
  const platform = `${process.platform}-${process.arch}`;
  return path.join(app, 'node_modules/close-wait-guard/prebuilds', platform, 'close-wait-guard.glibc.node');
}
