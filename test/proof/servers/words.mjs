// What a run found, for a person to read: equal things once, with their number and where they happened.

/** Groups, most frequent first: `{ count, first, at }`. */
function grouped(items, keyOf, placeOf) {
  const groups = new Map();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key) ?? { key, count: 0, first: item, at: new Set() };
    group.count += 1;
    group.at.add(placeOf(item));
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

const momentOf = ({ request, moment }) => `${request.path ?? request.name} ${moment.name}`;

const placeOf = ({ run, report, socket }) =>
  run === undefined ? (report?.side ?? `local port ${socket.localPort}`) : `${momentOf(run)} (${run.how})`;

const places = (at) => [...at].slice(0, 12).join('; ') + (at.size > 12 ? `; ${at.size - 12} more` : '');

const target = ({ side, method, route, destination }) => (side === 'outbound' ? destination : `${method} ${route}`);

/** Every report, equal ones once. */
export function reportLines({ judged, load }) {
  const lines = Object.entries(load).map(([name, count]) => `  load: ${name}: ${count}`);
  const key = ({ report }) =>
    [report.kind, report.cause, report.side, target(report), report.released, report.healthy].join();
  for (const { count, first, at } of grouped(judged, key, placeOf)) {
    const { report } = first;
    const after = `${report.released ? ', released' : ''}${report.healthy ? ', UNDER HEALTHY LOAD' : ''}`;
    lines.push(`  ${count} x ${report.kind} ${report.cause}, ${report.side} ${target(report)}${after}`);
    lines.push(`      ${report.explanation}`, `      ${report.fix}`, `      at: ${places(at)}`);
  }
  return lines;
}

/** Every fault, equal ones once. */
export function faultLines({ missed, falseAlarms, wrong }) {
  const lines = [];
  const say = (word, items, keyOf, textOf) => {
    for (const { count, first, at, key } of grouped(items, keyOf, placeOf)) {
      lines.push(`  ${word} ${count} x ${key}${textOf(first)}`, `      at: ${places(at)}`);
    }
  };
  say(
    'MISSED',
    missed,
    ({ socket: { due }, run }) => `${due.kind} ${due.state} ${run === undefined ? 'outbound' : momentOf(run)}`,
    ({ socket: { fd, due } }) =>
      `: fd ${fd}, unread ${due.unread}, unsent ${due.unsent}, peer ${due.peer?.state ?? 'gone'} (unsent ${due.peer?.unsent ?? 0}), stood ${Math.round(due.ms)} ms`,
  );
  say(
    'FALSE',
    falseAlarms,
    ({ report }) =>
      `${report.kind} ${report.cause} ${report.side} ${target(report)}${report.healthy ? ' under healthy load' : ''}`,
    ({ report, why }) => `: ${why}\n      ${report.explanation}`,
  );
  say(
    'WRONG',
    wrong,
    ({ report, what }) => `${report.cause}: ${what}`,
    ({ report }) => `\n      ${report.explanation}`,
  );
  return lines;
}
