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

/** @returns lines of Markdown */
export function suitesSection(results, notRun) {
  const differing = results.flatMap((result) => result.differences.map((test) => ({ ...test, suite: result.label })));
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
    row(
      'suite',
      'tests',
      'failed, bare',
      'failed, guarded',
      'outcomes',
      'processes',
      'reports',
      'true',
      'false',
      'unexplained',
      'commit',
    ),
    row('---', ...Array.from({ length: 3 }, () => '---:'), '---', ...Array.from({ length: 5 }, () => '---:'), '---'),
    ...results.map((result) =>
      row(
        result.label,
        result.tests,
        result.failedBare,
        result.failedGuarded,
        result.differences.length === 0 ? 'same' : `${result.differences.length} differ`,
        result.processes,
        sum(result.reports, (report) => report.count),
        reportsOf(result, 'true'),
        reportsOf(result, 'false'),
        reportsOf(result, 'unexplained'),
        result.commit,
      ),
    ),
    row(
      `${results.length} suites`,
      sum(results, (result) => result.tests),
      sum(results, (result) => result.failedBare),
      sum(results, (result) => result.failedGuarded),
      differing.length === 0 ? 'same' : `${differing.length} differ`,
      sum(results, (result) => result.processes),
      sum(results, (result) => sum(result.reports, (report) => report.count)),
      ...['true', 'false', 'unexplained'].map((verdict) => sum(results, (result) => reportsOf(result, verdict))),
      '',
    ),
    ...(notRun.length > 0 ? ['', `Not run: ${notRun.join(', ')}.`] : []),
    ...(differing.length > 0 ? ['', ...differing.map(differenceLine)] : []),
    ...whatWasReported(results),
  ];
}

function whatWasReported(results) {
  const rows = results.flatMap((result) => result.reports.map((report) => reportRow(result, report)));
  if (rows.length === 0) return [];
  return [
    '',
    '### What was reported',
    '',
    row('suite', 'kind, cause', 'side', 'where', 'reports', 'closed later', 'verdict', 'why'),
    row('---', '---', '---', '---', '---:', '---:', '---', '---'),
    ...rows,
  ];
}

const differenceLine = ({ suite, name, bare, guarded, why }) =>
  `- ${suite}: ${name}: ${bare.join(', ')} bare, ${guarded.join(', ')} guarded. ${why ?? 'Unexplained.'}`;

function reportRow({ label }, { kind, cause, reason, side, where, count, released, verdict, why, sentences }) {
  const what = [kind, cause, reason].filter(Boolean).join(', ');
  return row(label, what, side, where && `\`${where}\``, count, released, verdict, why ?? sentences[0]);
}
