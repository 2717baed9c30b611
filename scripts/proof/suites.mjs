/**
 * Runs the test suites of public packages twice, bare and with the guard preloaded: outcomes must be the same, and each
 * report must be explained in suites-triage.json. Prints a table; exits with 1 where a report is unexplained, more
 * reports are false than the one that the goal allows, or an outcome differs.
 *
 *   node scripts/proof/suites.mjs                          every suite whose tests npm has
 *   node scripts/proof/suites.mjs --checkouts ../checkouts those too that are only in a checkout (a folder a suite)
 *   node scripts/proof/suites.mjs --quick                  the two that .ci/run has time for
 *   node scripts/proof/suites.mjs --install                only fetches what they need, and runs none
 *   node scripts/proof/suites.mjs --keep out ws undici     these; what they printed and their reports are left in out/
 *   node scripts/proof/suites.mjs --from out               the table of what an earlier --keep left, triaged anew
 *   node scripts/proof/suites.mjs --page docs/proof.md     writes the table into the page; --write does the same
 *
 * Everything is fetched from npm, once, into a folder beside the temporary files.
 */
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { commit } from './page.mjs';
import { count, differences, filesToRepeat } from './suites/compare.mjs';
import { installSuite } from './suites/install.mjs';
import { runOnce } from './suites/once.mjs';
import { distinct } from './suites/reports.mjs';
import { triageResult, unusedEntries } from './suites/triage.mjs';
import { sectionOf, writeSection } from './suites-page.mjs';
import { suitesSection } from './suites-table.mjs';

const list = fileURLToPath(new URL('suites/list/', import.meta.url));

/** @returns whether all is well */
export async function run({ checkouts, quick = false, install = false, keep, from, page, only = [] } = {}) {
  const suites = chosen(quick, only);
  if (install) return installAll(suites, checkouts);
  const [results, notRun] = [[], []];
  for (const suite of suites) {
    const result = from ? kept(from, suite.name) : await runSuite(suite, checkouts, keep);
    if (!result) {
      notRun.push(suite.name);
      continue;
    }
    triageResult(result);
    results.push(result);
    if (!from) console.log(progressLine(result));
  }
  const lines = suitesSection(results, notRun, page && sectionOf(page, 'suites'));
  console.log(`\n${lines.join('\n')}`);
  for (const entry of unusedEntries(results)) console.log(`not seen this time: ${JSON.stringify(entry)}`);
  if (page) writeSection(page, 'suites', lines);
  return verdict(results, only.length > 0 || quick ? suites.length : 1);
}

function installAll(suites, checkouts) {
  const missing = [];
  for (const suite of suites) {
    try {
      const installed = installSuite(suite, checkouts);
      console.log(installed ? `${installed.label}: ${installed.folder}` : `${suite.name}: needs a checkout`);
      if (!installed) missing.push(suite.name);
    } catch (error) {
      console.log(`${suite.name}: ${error.message}`);
      missing.push(suite.name);
    }
  }
  return missing.length === 0;
}

function chosen(quick, only) {
  const all = fs.readdirSync(list).map((file) => JSON.parse(fs.readFileSync(path.join(list, file), 'utf8')));
  const unknown = only.find((name) => !all.some((suite) => suite.name === name));
  if (unknown) throw new Error(`there is no suite ${unknown}; there are ${all.map(({ name }) => name).join(', ')}`);
  return all.filter((suite) => (only.length > 0 ? only.includes(suite.name) : !quick || suite.quick));
}

/**
 * Where outcomes differ, both run once more: a suite may have tests that fail now and then by themselves, and a runner
 * that loses some outcomes (Node's, with --test-force-exit). Where each file has a process of its own, only the files
 * that differ run again, and more often.
 * @returns undefined where it needs a checkout that is not there
 */
async function runSuite(suite, checkouts, keep) {
  const installed = installSuite(suite, checkouts);
  if (!installed) return undefined;
  const [bare, guarded] = [[], []];
  const file = (name) => keep && path.join(keep, `${suite.name}.${name}`);
  if (keep) fs.mkdirSync(keep, { recursive: true });
  let files;
  for (let round = 1; round <= (files ? 6 : 3); round++) {
    bare.push(await runOnce(suite, installed, { guarded: false, files, log: file(`bare${round}.log`) }));
    guarded.push(await runOnce(suite, installed, { guarded: true, files, log: file(`guarded${round}.log`) }));
    // After each round: a suite can take an hour, and what was measured stays if it is interrupted.
    if (keep) keepResult(file, resultOf(suite, installed, bare, guarded), bare[0], guarded[0]);
    if (differences(bare, guarded).length === 0) break;
    if (suite.runner === 'node-test') files = filesToRepeat(differences(bare, guarded));
  }
  return resultOf(suite, installed, bare, guarded);
}

function resultOf(suite, installed, bare, guarded) {
  return {
    name: suite.name,
    label: installed.label,
    commit: commit(),
    tests: guarded[0].tests.filter(({ outcome }) => outcome !== 'skipped').length,
    failedBare: count(lastWhole(bare).tests, 'failed'),
    failedGuarded: count(lastWhole(guarded).tests, 'failed'),
    rounds: bare.length,
    cutOff: [...bare, ...guarded].some(({ status }) => status === 'SIGKILL'),
    differences: differences(bare, guarded),
    processes: guarded[0].processes,
    seconds: [bare[0].seconds, guarded[0].seconds],
    reports: distinct(guarded.flatMap((one) => one.reports)),
  };
}

const lastWhole = (runs) => runs.findLast(({ files }) => files === undefined);

function keepResult(file, result, bare, guarded) {
  fs.writeFileSync(file('result.json'), JSON.stringify(result, null, 1));
  fs.writeFileSync(file('tests.json'), JSON.stringify({ bare: bare.tests, guarded: guarded.tests }, null, 1));
}

function kept(folder, name) {
  const file = path.join(folder, `${name}.result.json`);
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined;
}

function progressLine({
  label,
  tests,
  failedBare,
  failedGuarded,
  rounds,
  differences: differing,
  reports,
  processes,
  seconds,
}) {
  const times = seconds.map((one) => `${one.toFixed(0)} s`).join(' bare, ');
  const found = reports.map(({ count: n, cause, side, verdict: is }) => `${n} ${cause} ${side} ${is}`).join('; ');
  return `${label}: ${tests} tests, ${failedBare} and ${failedGuarded} failed, ${differing.length} differ (${rounds} rounds), ${processes} processes, ${times} guarded; ${found || 'no report'}`;
}

function verdict(results, wanted) {
  const reports = results.flatMap((result) => result.reports);
  const problems = [
    results.length < wanted && 'not every suite ran',
    results.some(({ tests }) => tests === 0) && 'a suite ran no test',
    results.some(({ cutOff }) => cutOff) && 'a suite did not end in its time',
    results.some(({ processes }) => processes === 0) && 'a suite ran without the guard',
    results.some((result) => result.differences.some((test) => !test.why)) && 'outcomes differ',
    reports.some((report) => report.verdict === 'unexplained') && 'a report is unexplained',
    reports.filter((report) => report.verdict === 'false').length > 1 && 'more than one false alarm',
  ].filter(Boolean);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  return problems.length === 0;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      checkouts: { type: 'string', default: process.env.CLOSE_WAIT_GUARD_CHECKOUTS },
      quick: { type: 'boolean', default: false },
      install: { type: 'boolean', default: false },
      keep: { type: 'string' },
      from: { type: 'string' },
      page: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  });
  const { write, ...rest } = values;
  // As the other proofs are asked to by main.mjs.
  const page = rest.page ?? (write ? fileURLToPath(new URL('../../docs/proof.md', import.meta.url)) : undefined);
  process.exitCode = (await run({ ...rest, page, only: positionals })) ? 0 : 1;
}
