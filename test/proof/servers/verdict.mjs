// Holds the guard's log against what the kernel said of the same sockets.

/** What a poll, a sample and a busy machine may be apart. */
const SLACK_MS = 600;

/**
 * @param sockets what Watch saw
 * @param reports the reports of the log, each with `released` and `healthy` (it came under the healthy load)
 * @param done which client did what, by its port
 */
export function verdict({ sockets, reports, done, destinations, routeOf, timeoutMs, intervalMs }) {
  const standing = sockets.map((socket) => ({ ...socket, ...longest(socket.stood) }));
  const due = timeoutMs + 2 * intervalMs + SLACK_MS;
  const matched = new Map();
  const falseAlarms = [];
  const wrong = [];
  for (const report of reports) {
    const socket = standing.find((each) => isOf(report, each));
    if (socket === undefined) {
      falseAlarms.push({ report, why: 'the kernel knows no such socket' });
      continue;
    }
    // After its release it may be reported again.
    const before = matched.get(socket.inode);
    if (before?.id === report.id && !before.released) wrong.push({ report, what: 'the same socket is reported twice' });
    matched.set(socket.inode, report);
    const stood = socket.stood[report.kind]?.ms ?? 0;
    if (stood < timeoutMs - SLACK_MS) {
      const why = `the kernel saw it ${report.kind} and standing still for ${Math.round(stood)} ms (${socket.state})`;
      falseAlarms.push({ report, why });
    } else if (report.healthy && (report.kind === 'stalled' || !socket.held)) {
      falseAlarms.push({ report, why: 'it served a healthy client' });
    } else {
      wrong.push(...misnamed(report, socket, { run: done.get(socket.remotePort), destinations, routeOf }));
    }
  }
  const leaks = standing.filter((socket) => socket.ms >= due && !socket.openAtStart);
  const missed = leaks
    .filter((socket) => !matched.has(socket.inode))
    .map((socket) => ({ socket, run: done.get(socket.remotePort) }));
  return { reports: reports.length, leaks: leaks.length, missed, falseAlarms, wrong };
}

function longest(stood) {
  const [kind, time] = Object.entries(stood).sort(([, a], [, b]) => b.ms - a.ms)[0] ?? [undefined, { ms: 0 }];
  return { kind, ms: time.ms };
}

/** By both ports; of a report without ports, by the fd. */
function isOf(report, socket) {
  return report.localPort === undefined || report.remotePort === undefined
    ? report.pid === socket.pid && report.fd === socket.fd && socket.stood[report.kind] !== undefined
    : report.localPort === socket.localPort && report.remotePort === socket.remotePort;
}

/** What a user of that server would call wrong in a report about a true leak. */
function misnamed(report, socket, { run, destinations, routeOf }) {
  const faults = [];
  const say = (what) => faults.push({ report, run, what });
  if (run === undefined) {
    if (report.side !== 'outbound') say(`it is outbound, not ${report.side}`);
    if (destinations.length > 0 && !destinations.some((each) => matches(each, report.destination))) {
      say(`destination ${report.destination}, not one of ${destinations.join(', ')}`);
    }
    return faults;
  }
  const { request, moment } = run;
  if (report.side !== 'inbound') say(`it is inbound, not ${report.side}`);
  if (moment.causes !== undefined && !moment.causes.includes(report.cause)) {
    say(`cause ${report.cause}, not one of ${moment.causes.join(', ')}`);
  }
  const unsent = socket.stood[report.kind].unsent;
  if (report.cause === 'write-stalled' && unsent === 0) say('write-stalled, and nothing is unsent');
  if (report.cause === 'response-not-ended' && unsent > 0) say(`response-not-ended, and ${unsent} bytes are unsent`);
  const named = moment.named ? (moment.request ?? request) : undefined;
  const expected = named && `${named.method} ${routeOf(named)}`;
  const said =
    report.method === undefined && report.route === undefined ? undefined : `${report.method} ${report.route}`;
  if (said !== expected) say(`route ${said}, not ${expected}`);
  return faults;
}

/** `http://127.0.0.1:80/*`: anything below. */
function matches(pattern, text = '') {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
