// Holds the guard's log against what the kernel said of the same sockets.

/** What a poll, a sample and a busy machine may be apart. */
const SLACK_MS = 600;

/**
 * @param seen what Watch saw
 * @param reports the reports of the log, each with `released` and `healthy` (it came under the healthy load)
 * @param done which client did what, by its port
 * @param serverPort of inbound connections
 */
export function verdict({ seen, reports, done, serverPort, destinations, routeOf, timeoutMs, intervalMs }) {
  const matched = new Map();
  const falseAlarms = [];
  const wrong = [];
  const judged = [];
  for (const report of reports) {
    const socket = socketOf(report, seen.sockets);
    const run = socket && done.get(socket.remotePort ?? report.remotePort);
    const entry = { report, run, socket };
    judged.push(entry);
    if (socket === undefined) {
      falseAlarms.push({ ...entry, why: 'the kernel knows no such socket' });
      continue;
    }
    // After its release it may be reported again.
    const before = matched.get(socket.inode);
    if (before?.id === report.id && !before.released)
      wrong.push({ ...entry, what: 'the same socket is reported twice' });
    matched.set(socket.inode, report);
    const stood = socket.stood[report.kind]?.ms ?? 0;
    if (stood < timeoutMs - SLACK_MS - seen.gapMs) {
      const why = `the kernel saw it ${report.kind} and standing still for ${Math.round(stood)} ms (${socket.state})`;
      falseAlarms.push({ ...entry, why });
    } else if (report.healthy && (report.kind === 'stalled' || !socket.held)) {
      falseAlarms.push({ ...entry, why: 'it served a healthy client' });
    } else {
      const faults = misnamed(report, socket, {
        run,
        inbound: (socket.localPort ?? report.localPort) === serverPort,
        destinations,
        routeOf,
      });
      for (const what of faults) wrong.push({ ...entry, what });
    }
  }
  const due = timeoutMs + 2 * intervalMs + SLACK_MS;
  const leaks = seen.sockets.filter((socket) => socket.due.ms >= due && !socket.openAtStart);
  const missed = leaks
    .filter((socket) => !matched.has(socket.inode))
    .map((socket) => ({ socket, run: done.get(socket.remotePort) }));
  return { judged, leaks: leaks.length, missed, falseAlarms, wrong };
}

/** A client's port may have been used before: of several sockets it is the one that stood longest. */
function socketOf(report, sockets) {
  const stood = (socket) => socket.stood[report.kind]?.ms ?? 0;
  return sockets.filter((each) => isOf(report, each)).sort((a, b) => stood(b) - stood(a))[0];
}

/** By both ports. A socket that is in CLOSE when it is first seen has none, on either side of the comparison: then by its fd. */
function isOf(report, socket) {
  const complete = [report, socket].every(
    ({ localPort, remotePort }) => localPort !== undefined && remotePort !== undefined,
  );
  return complete
    ? report.localPort === socket.localPort && report.remotePort === socket.remotePort
    : report.pid === socket.pid && report.fd === socket.fd && socket.stood[report.kind] !== undefined;
}

/** What a user of that server would call wrong in a report about a true leak. */
function misnamed(report, socket, { run, inbound, destinations, routeOf }) {
  const side = inbound ? 'inbound' : 'outbound';
  const faults = report.side === side ? [] : [`it is ${side}, not ${report.side}`];
  if (!inbound && destinations.length > 0 && !destinations.some((each) => matches(each, report.destination))) {
    faults.push(`destination ${report.destination}, not one of ${destinations.join(', ')}`);
  }
  if (run === undefined) return faults;
  const { request, moment } = run;
  if (moment.causes !== undefined && !moment.causes.includes(report.cause)) {
    faults.push(`cause ${report.cause}, not one of ${moment.causes.join(', ')}`);
  }
  const { unsent } = socket.stood[report.kind];
  if (report.cause === 'write-stalled' && unsent === 0) faults.push('write-stalled, and nothing is unsent');
  // Whatever waits behind them: it is the client that takes nothing.
  const waiting = ['response-not-ended', 'pipelined-behind-pending-response'];
  if (waiting.includes(report.cause) && unsent > 0) faults.push(`${report.cause}, and bytes are unsent`);
  const named = moment.named ? (moment.request ?? request) : undefined;
  const expected = named && `${named.method} ${routeOf(named)}`;
  const said =
    report.method === undefined && report.route === undefined ? undefined : `${report.method} ${report.route}`;
  if (said !== expected) faults.push(`route ${said}, not ${expected}`);
  return faults;
}

/** `http://127.0.0.1:80/*`: anything below. */
function matches(pattern, text = '') {
  return pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : text === pattern;
}
