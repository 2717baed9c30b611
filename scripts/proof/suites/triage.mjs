// What was found out about each report, by hand: suites-triage.json. A report that no entry fits is unexplained.
import fs from 'node:fs';

const entries = JSON.parse(fs.readFileSync(new URL('../suites-triage.json', import.meta.url), 'utf8'));

/** An entry names a suite and what it is about; what it leaves out, it takes as it comes. `where` and `test` are patterns. */
export function triage(suite, report) {
  const tests = [...report.tests];
  return entries.find(
    (entry) =>
      entry.suite === suite &&
      (entry.kind ?? report.kind) === report.kind &&
      [entry.cause].flat().some((cause) => (cause ?? report.cause) === report.cause) &&
      (entry.side ?? report.side) === report.side &&
      (entry.where === undefined || new RegExp(entry.where).test(report.where)) &&
      (entry.test === undefined || (tests.length > 0 && tests.every((test) => new RegExp(entry.test).test(test)))),
  );
}

/** Entries of these suites that no report was like: they may be old. */
export function unusedEntries(suites, used) {
  return entries.filter((entry) => suites.has(entry.suite) && !used.has(entry));
}
