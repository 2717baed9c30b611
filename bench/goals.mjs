// What the measurements are held against. Each goal says what was measured, and by how much it was missed.
import { fixed, table } from './render.mjs';

const micro = (ms) => ms * 1_000;

/** @param measured what the parts of the bench returned; of a part that was left out there are no goals */
export function goalsOf({ samples, known, own, requests, many, finAge }) {
  return [
    ...(samples ? goalsOfSamples(samples) : []),
    ...(known ? goalsOfKnown(known, samples) : []),
    ...(own ? goalsOfOwn(own) : []),
    ...(requests ? goalsOfRequests(requests) : []),
    ...(many ? goalsOfMany(many) : []),
    ...(finAge ? goalsOfFinAge(finAge) : []),
  ];
}

function goal(what, measured, limit, unit, digits = 0) {
  return { what, measured, limit, unit, digits, met: measured <= limit };
}

function goalsOfSamples({ configurations, slow }) {
  const timed = (configuration) => configuration.ways.find(({ way }) => way === 'timed');
  const healthy = configurations.filter(({ leaks }) => leaks === 0).sort((a, b) => a.sockets - b.sockets);
  const [small, large] = [healthy[0], healthy.at(-1)];
  const name = ({ sockets }) => sockets.toLocaleString('en-US');
  const ofSs = timed(healthy.filter((each) => timed(each).ofSs !== undefined).at(-1) ?? small).ofSs;
  const busy = slow.find(({ newPerSecond }) => newPerSecond > 0);
  return [
    ...healthy.flatMap((each) => [
      goal(`a healthy sample, ${name(each)} sockets: median`, micro(timed(each).median), 40, 'µs'),
      goal(`a healthy sample, ${name(each)} sockets: 99th percentile`, micro(timed(each).p99), 200, 'µs'),
    ]),
    goal(
      `a healthy sample, ${name(large)} sockets against ${name(small)}`,
      timed(large).median / timed(small).median,
      1.3,
      '-fold',
      2,
    ),
    ...(ofSs === undefined
      ? []
      : [{ ...goal('samples for one `ss`', ofSs, 5_000, ''), least: true, met: ofSs >= 5_000 }]),
    ...(busy ? [goal('a sample at 500 new connections a second: median', micro(busy.median), 300, 'µs')] : []),
    goal('putting a socket on the watch', micro(large.registerMs / large.sockets), 4, 'µs', 1),
  ];
}

function goalsOfKnown({ count, share, worst, newMicros }, samples) {
  const ninety = samples?.configurations.find(({ leaks }) => leaks === 90);
  const timed = ninety?.ways.find(({ way }) => way === 'timed');
  const known = count.toLocaleString('en-US');
  return [
    ...(timed ? [goal('a sample with 90 known leaks: median', micro(timed.median), 150, 'µs')] : []),
    goal('a new leak with its diagnosis', newMicros, 30, 'µs'),
    goal(`${known} known leaks`, share * 100, 1, '% of a core', 2),
    goal(`${known} known leaks: the worst turn of a sample`, worst, 5, 'ms', 1),
  ];
}

function goalsOfOwn(own) {
  const limits = { plugin: 0.3, preload: 0.3, connection: 3 };
  return own
    .filter(({ kind }) => kind in limits)
    .map(({ kind, what, median }) => goal(`own CPU: ${what}`, median, limits[kind], 'µs', 2));
}

function goalsOfRequests(requests) {
  return requests
    .filter(({ isGoal }) => isGoal)
    .map(({ name, cpu }) => goal(`CPU of a request, ${name}: upper bound of the interval`, cpu.high, 1.02, '', 3));
}

function goalsOfMany({ connections, bytesASocket, shareOfACore, told, leaks, latestMs, intervalMs }) {
  const all = `${connections.toLocaleString('en-US')} connections`;
  return [
    goal(`${all}: a watched socket in JS`, bytesASocket, 300, 'bytes'),
    goal(`${all}: all guards`, shareOfACore * 100, 0.2, '% of a core', 3),
    goal(`${all}: leaks that were not told`, leaks - told, 0, ''),
    goal(`${all}: the latest leak after its time-out`, latestMs, 2 * intervalMs, 'ms'),
  ];
}

function goalsOfFinAge({ p50, p99, intervalMs }) {
  return [
    goal('the age of a half-close is off by: median', p50, 5, 'ms', 1),
    goal('the age of a half-close is off by: 99th percentile', p99, intervalMs, 'ms', 1),
  ];
}

export function verdictOf({ met, measured, limit, least }) {
  if (met) return 'met';
  const factor = least ? limit / measured : measured / limit;
  return Number.isFinite(factor) && factor > 0 ? `missed, ${fixed(factor, 1)}-fold` : 'missed';
}

/** Rows of text: the goal, what was measured, the limit and the verdict. */
export function goalRows(goals) {
  return goals.map((each) => {
    const { what, measured, limit, unit, digits, least } = each;
    const text = (value) => `${fixed(value, digits)}${unit === '' || unit.startsWith('-') ? unit : ` ${unit}`}`;
    return [what, text(measured), `${least ? '≥' : '≤'} ${text(limit)}`, verdictOf(each)];
  });
}

export function renderGoals(goals) {
  return table(['goal', 'measured', 'limit', 'verdict'], goalRows(goals));
}
