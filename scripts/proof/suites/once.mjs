// One run of a suite, bare or with the guard.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { environmentOfAUser, nodeBinary } from '../../npm-cache.mjs';
import { filesOf } from './files.mjs';
import { readReports } from './reports.mjs';
import { RUNNERS } from './runners.mjs';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
const loaded = at('reporters/loaded.cjs');
/** On Node 20 any --import has Node load the program as an ES module: a `.ts` one, for which a -r hook stands ready, breaks. */
const PRELOADS = {
  import: `--import ${at('../../../dist/register.js')} --import ${loaded}`,
  require: `--require ${at('../../../dist/cjs/register.js')} --require ${loaded}`,
};
/** A network of its own: no test meets another program on a fixed port, and none reaches the outside. */
const OWN_NETWORK = ['unshare', '-n', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];
const ownNetwork = () => spawnSync(OWN_NETWORK[0], [...OWN_NETWORK.slice(1), 'true']).status === 0;
/** A database that a suite needs ends with the suite's process group. `ready` is a command that fails until it is up. */
function withService({ service, ready }, command) {
  if (!service) return command;
  const wait = ready ? `until ${ready}; do sleep 0.1; done; ` : '';
  return ['sh', '-c', `here=${at('.')}; ${service} & ${wait}exec "$@"`, 'sh', ...command];
}

/**
 * @param some files alone, else all of the suite
 * @returns {Promise<{ files, tests, reports, processes: number, seconds: number, status, output: string }>}
 */
export async function runOnce(suite, installed, { guarded, files: some, log }) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-suite-'));
  try {
    const folder = path.join(installed.folder, suite.folder ?? '');
    const place = { outcomes: path.join(work, 'outcomes'), leaks: path.join(work, 'leaks'), processes: work };
    const files = some ?? (suite.files ? filesOf(folder, suite.files, suite.except) : []);
    const runner = RUNNERS[suite.runner];
    const node = suite.node ? nodeBinary(suite.node) : process.execPath;
    const command = withService(suite, runner.command({ node, folder, suite, files, outcomes: place.outcomes }));
    const env = environment(suite, node, guarded, place);
    const ran = await spawned([...(ownNetwork() ? OWN_NETWORK : []), ...command], { cwd: folder, env }, suite);
    if (log) fs.writeFileSync(log, ran.output);
    const tests = runner.read({ outcomes: place.outcomes, output: ran.output }).map((test) => ({
      ...test,
      file: path.relative(folder, path.resolve(folder, test.file)),
    }));
    const reports = guarded ? readReports(place, tests, folder) : [];
    const processes = fs.readdirSync(work).filter((name) => /^\d+\.json$/.test(name)).length;
    return { files: some, tests, reports, processes, ...ran };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

function environment(suite, node, guarded, place) {
  const options = [suite.nodeOptions, guarded && PRELOADS[suite.preload ?? 'import']].filter(Boolean).join(' ');
  const env = { ...environmentOfAUser(), ...suite.env, SUITE_OUTCOMES: place.outcomes };
  env.PATH = `${path.dirname(node)}:${env.PATH}`;
  // Reporters colour and shorten by these.
  for (const name of ['FORCE_COLOR', 'NO_COLOR', 'NODE_TEST_CONTEXT']) delete env[name];
  if (options) env.NODE_OPTIONS = options;
  if (!guarded) return env;
  return {
    ...env,
    CLOSE_WAIT_GUARD_TIMEOUT_MS: '300',
    CLOSE_WAIT_GUARD_INTERVAL_MS: '50',
    CLOSE_WAIT_GUARD_LOG: place.leaks,
    SUITE_PROCESSES: place.processes,
  };
}

/** The whole process group ends with the runner: suites leave servers behind. */
function spawned([command, ...args], options, suite) {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    const end = () => {
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    };
    const timer = setTimeout(end, (suite.timeoutSeconds ?? 600) * 1000);
    process.once('exit', end);
    const interrupted = () => process.exit(1);
    for (const name of ['SIGINT', 'SIGTERM']) process.once(name, interrupted);
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      process.off('exit', end);
      for (const name of ['SIGINT', 'SIGTERM']) process.off(name, interrupted);
      end();
      const done = () => {
        const seconds = (performance.now() - started) / 1000;
        resolve({ status: status ?? signal, seconds, output: Buffer.concat(chunks).toString() });
      };
      if (child.stdout.closed && child.stderr.closed) done();
      else child.once('close', done);
    });
  });
}
