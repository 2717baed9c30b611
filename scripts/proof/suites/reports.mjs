// What the guard wrote during a run: each report with where it was, whether it was closed after all, and whose test it was.
import fs from 'node:fs';
import path from 'node:path';

export function readReports({ leaks, processes }, tests, folder) {
  if (!fs.existsSync(leaks)) return [];
  const reports = new Map();
  for (const text of fs.readFileSync(leaks, 'utf8').split('\n').filter(Boolean)) {
    const line = JSON.parse(text);
    const key = `${line.pid} ${line.leak?.id}`;
    if (line.event === 'leak') reports.set(key, asReport(line, processes, tests, folder));
    const known = reports.get(key);
    if (line.event === 'released' && known) known.releasedAfterMs = Date.parse(line.time) - known.at;
  }
  return [...reports.values()];
}

function asReport({ time, pid, leak }, processes, tests, folder) {
  const at = Date.parse(time);
  const file = testFileOf(pid, processes, folder);
  return {
    at,
    kind: leak.kind,
    cause: leak.cause,
    reason: leak.reason,
    side: leak.side,
    where: whereOf(leak),
    file,
    running: testsAt(at - leak.ageMs, tests),
    explanation: leak.explanation,
    leak,
  };
}

/** Route or destination. Ports are chosen anew by each run. */
function whereOf(leak) {
  const route = leak.route === undefined ? leak.server : [leak.method, leak.route].filter(Boolean).join(' ');
  const where = (leak.side === 'outbound' ? leak.destination : route) ?? leak.destination ?? '';
  return where.replaceAll(/:\d{2,5}(?=\D|$)/g, ':*');
}

function testFileOf(pid, processes, folder) {
  const file = path.join(processes, `${pid}.json`);
  if (!fs.existsSync(file)) return '';
  const { program, arguments: rest } = JSON.parse(fs.readFileSync(file, 'utf8'));
  // A runner's own process runs many files; its tests tell by their time.
  return /node_modules/.test(program) ? '' : [path.relative(folder, program), ...rest.slice(0, 1)].join(' ');
}

/** Tests that ran when the peer left. */
function testsAt(moment, tests) {
  return tests.filter(({ start, end }) => start <= moment && moment <= end).map(({ file, name }) => `${file}: ${name}`);
}

/** Reports that differ in nothing that a reader would tell apart. */
export function distinct(reports) {
  const groups = new Map();
  for (const report of reports) {
    const key = [report.kind, report.cause, report.reason, report.side, report.where].join('|');
    const group = groups.get(key) ?? { ...report, count: 0, released: 0, tests: new Set(), sentences: new Set() };
    group.count += 1;
    if (report.releasedAfterMs !== undefined) group.released += 1;
    for (const test of report.running.length > 0 ? report.running : [report.file]) group.tests.add(test);
    if (group.sentences.size < 5) group.sentences.add(report.explanation);
    groups.set(key, group);
  }
  return [...groups.values()].map((group) => ({ ...group, tests: [...group.tests], sentences: [...group.sentences] }));
}
