// What was found out about each report and each outcome that differs, by hand: suites-triage.json. What no entry fits is
// unexplained.
import fs from 'node:fs';

const entries = JSON.parse(fs.readFileSync(new URL('../suites-triage.json', import.meta.url), 'utf8'));

/** An entry names a suite and what it is about; what it leaves out, it takes as it comes. `where` and `test` are patterns. */
function triage(suite, report) {
  const { tests } = report;
  return entries.find(
    (entry) =>
      entry.suite === suite &&
      entry.verdict !== undefined &&
      (entry.kind ?? report.kind) === report.kind &&
      [entry.cause].flat().some((cause) => (cause ?? report.cause) === report.cause) &&
      (entry.side ?? report.side) === report.side &&
      (entry.where === undefined || new RegExp(entry.where).test(report.where)) &&
      (entry.test === undefined || (tests.length > 0 && tests.every((test) => new RegExp(entry.test).test(test)))),
  );
}

/** Says of each report of a suite's result what it was found to be, and of each outcome that differs why it does. */
export function triageResult(result) {
  for (const test of result.differences) {
    test.why = entries.find(
      ({ suite, differs }) => differs && suite === result.name && new RegExp(differs).test(test.name),
    )?.why;
  }
  for (const report of result.reports) {
    report.entry = triage(result.name, report);
    report.verdict = report.entry ? String(report.entry.verdict) : 'unexplained';
    report.why = report.entry?.why;
  }
}

/** Entries of these suites that no report was like: they may be old. */
export function unusedEntries(results) {
  const used = new Set(results.flatMap(({ reports }) => reports.map(({ entry }) => entry)));
  return entries.filter(
    (entry) => entry.verdict !== undefined && results.some(({ name }) => name === entry.suite) && !used.has(entry),
  );
}
