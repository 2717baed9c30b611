// The section of docs/proof.md: what ran, what was reported, what each report was.
import { machineLine } from '../../bench/machine.mjs';

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (...cells) => `| ${cells.map(cell).join(' | ')} |`;
const sum = (results, of) => results.reduce((total, result) => total + of(result), 0);
const reportsOf = (result, verdict) =>
  sum(
    result.reports.filter((report) => report.verdict === verdict),
    (report) => report.count,
  );

const SUITE_COLUMNS = [
  ...['suite', 'tests', 'failed, bare', 'failed, guarded', 'outcomes', 'processes'],
  ...['reports', 'true', 'false', 'unexplained', 'commit'],
];
const REPORT_COLUMNS = ['suite', 'kind, cause', 'side', 'where', 'reports', 'closed later', 'verdict', 'why'];

/**
 * @param notRun names of suites
 * @param old the section as it was: its rows of suites that did not run this time stay, each with the commit it was measured at
 * @returns lines of Markdown
 */
export function suitesSection(results, notRun, old = '') {
  const ran = new Set(results.map(({ label }) => packageOf(label)));
  const stays = (line) => !ran.has(packageOf(line.slice(2)));
  const suites = inOrder([...rowsOf(old, SUITE_COLUMNS).filter(stays), ...results.map(suiteRow)]);
  const reports = inOrder([
    ...rowsOf(old, REPORT_COLUMNS).filter(stays),
    ...results.flatMap((result) => result.reports.map((report) => reportRow(result, report))),
  ]);
  const differing = results.flatMap((result) => result.differences.map((test) => ({ ...test, suite: result.label })));
  const without = notRun.filter((name) => !suites.some((line) => fileOf(line) === name));
  return [
    '## The test suites of public packages',
    '',
    'Printed by `node scripts/proof/suites.mjs`. Each suite runs bare and with the guard preloaded (`closeWaitTimeout` 300 ms, a sample every 50 ms).',
    'A report is *true* where the socket was half-closed, reset or stalled and nobody read it or closed it within that time, *false* where it made',
    'progress; each was looked up in the test that made it. *closed later* counts those that the program closed after all (`released`).',
    'A network of its own for each run: tests that need the outside fail with and without the guard. Where an outcome differs both run again: *same*',
    'means that no test came out otherwise with the guard each time; *failed* are those of a whole run.',
    '',
    machineLine(),
    '',
    row(...SUITE_COLUMNS),
    row('---', ...Array.from({ length: 3 }, () => '---:'), '---', ...Array.from({ length: 5 }, () => '---:'), '---'),
    ...suites,
    totalRow(suites),
    ...(without.length > 0 ? ['', `Not run: ${without.join(', ')}.`] : []),
    ...(differing.length > 0 ? ['', ...differing.map(differenceLine)] : []),
    ...whatWasReported(reports),
  ];
}

/** Of a label with a version, or of a row that begins with one. */
const packageOf = (label) => /^@?[^@ ]+/.exec(label)?.[0];
/** What the suite's file in suites/list is called. */
const fileOf = (line) => packageOf(line.slice(2)).replace('@', '').replace('/', '-');
const inOrder = (lines) => lines.sort((a, b) => fileOf(a).localeCompare(fileOf(b), 'en'));

/** The rows of the table with these columns, but for the one that adds up. */
function rowsOf(section, columns) {
  const lines = section.split('\n');
  const from = lines.indexOf(row(...columns));
  if (from < 0) return [];
  const to = lines.findIndex((line, i) => i > from && !line.startsWith('| '));
  return lines.slice(from + 2, to < 0 ? undefined : to).filter((line) => !/^\| \d+ suites \|/.test(line));
}

function suiteRow(result) {
  return row(
    result.label,
    result.tests,
    result.failedBare,
    result.failedGuarded,
    result.differences.length === 0 ? 'same' : `${result.differences.length} differ`,
    result.processes,
    sum(result.reports, (report) => report.count),
    ...['true', 'false', 'unexplained'].map((verdict) => reportsOf(result, verdict)),
    result.commit,
  );
}

function totalRow(lines) {
  const cells = lines.map((line) => line.slice(2, -2).split(' | '));
  const total = (column) => sum(cells, (row) => Number(row[SUITE_COLUMNS.indexOf(column)]));
  const differing = cells.filter((row) => row[SUITE_COLUMNS.indexOf('outcomes')] !== 'same').length;
  const counted = SUITE_COLUMNS.slice(1, -1).map((column) => {
    if (column !== 'outcomes') return total(column);
    return differing === 0 ? 'same' : `${differing} differ`;
  });
  return row(`${lines.length} suites`, ...counted, '');
}

function whatWasReported(rows) {
  if (rows.length === 0) return [];
  const columns = row('---', '---', '---', '---', '---:', '---:', '---', '---');
  return ['', '### What was reported', '', row(...REPORT_COLUMNS), columns, ...rows];
}

const differenceLine = ({ suite, name, bare, guarded, why }) =>
  `- ${suite}: ${name}: ${bare.join(', ')} bare, ${guarded.join(', ')} guarded. ${why ?? 'Unexplained.'}`;

function reportRow({ label }, { kind, cause, reason, side, where, count, released, verdict, why, sentences }) {
  const what = [kind, cause, reason].filter(Boolean).join(', ');
  return row(label, what, side, where && `\`${where}\``, count, released, verdict, why ?? sentences[0]);
}
