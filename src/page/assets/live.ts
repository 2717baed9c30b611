import { SCHEMA_ID } from '../../base/schema.js';

/** The last part of the page's script: it asks for the JSON every 2 s while somebody looks, and shows what has changed. */
export const LIVE = `
const EVERY_MS = 2000;
const MAX_WAIT_MS = 30000;
const PATIENCE_MS = 10000;
const ANNOUNCE_EVERY_MS = 5000;

const address = (() => {
  const query = new URLSearchParams(location.search);
  query.set('format', 'json');
  return location.pathname + '?' + query;
})();

const groups = new Map();
const ended = new Map();
const totals = new Map();
let shown;
let shownAt = 0;
let etag;
let paused = false;
let busy = false;
let rendering = false;
let failures = 0;
let trouble = '';
let answeredAt;
let timer;

let announcedAt = -ANNOUNCE_EVERY_MS;
const announce = (text, now) => {
  if (!now && performance.now() - announcedAt < ANNOUNCE_EVERY_MS) return;
  announcedAt = performance.now();
  put(byId('announce'), text);
};

const total = (name, value) => {
  let tile = totals.get(name);
  if (!tile && value === undefined) return;
  if (!tile) {
    tile = { node: make('div'), value: make('dd') };
    byId('totals').append(inside(tile.node, make('dt', '', name), tile.value));
    totals.set(name, tile);
  }
  show(tile.node, value !== undefined);
  put(tile.value, value);
};

const sinceShown = () => performance.now() - shownAt;
/* Half of the entries would be told by the clock of the answer before. */
const tick = () => {
  if (!shown || rendering) return;
  const since = sinceShown();
  const [oldest] = shown.groups;
  total('Oldest', oldest ? span(oldest.oldest.leak.ageMs + since) : '–');
  for (const view of groups.values()) view.tick(since);
};

const tellChange = (before, data) => {
  const known = new Set(before.groups.map(({ fingerprint }) => fingerprint));
  const fresh = data.groups.filter(({ fingerprint }) => !known.has(fingerprint));
  const more = data.totals.open - before.totals.open;
  const open = many(data.totals.open, 'leak is', 'leaks are') + ' open.';
  if (fresh.length > 0) announce('New: ' + fresh.slice(0, 3).map(({ oldest }) => subjectOf(oldest.leak)).join(', ') + '. ' + open);
  else if (more > 0) announce(many(more, 'more leak', 'more leaks') + '. ' + open);
  else if (more < 0) announce(many(-more, 'leak was closed', 'leaks were closed') + '. ' + open);
};

const leaksNote = ({ totals: { open, groups: all, shown: inGroups, unreported, ignored } }, listed) => [
  open === 0 ? 'No socket is leaked.' : 'Equal leaks are one entry; the oldest comes first.',
  all > listed ? 'The ' + count(listed) + ' oldest of ' + count(all) + ' entries are shown: ' + many(inGroups, 'socket', 'sockets') + ' of ' + count(open) + '.' : '',
  unreported > 0 ? count(unreported) + ' more are beyond maxReported: counted, and not listed.' : '',
  ignored > 0 ? many(ignored, 'leak is', 'leaks are') + ' left out by a rule of ignore.' : '',
].filter(Boolean).join(' ');

function* render(data) {
  if (shown) tellChange(shown, data);
  shown = data;
  shownAt = performance.now();
  const { totals: sums, processes } = data;
  const names = processes.map(({ pid, threadId }) => pid + (threadId ? ' thread ' + threadId : ''));
  put(byId('where'), (names.length === 1 ? 'Process ' : 'Processes ') + names.join(', ') + ' · close-wait-guard ' + data.version);
  const blind = processes.filter(({ supported }) => !supported);
  put(byId('trouble'), blind.map(({ pid, unsupportedReason }) => 'Process ' + pid + ' is not watched: ' + unsupportedReason).join('. '));
  show(byId('trouble'), blind.length > 0);
  total('Open leaks', count(sums.open));
  total('Different leaks', count(sums.groups));
  if (!totals.has('Oldest')) total('Oldest', '–');
  total('Closed after all', count(sums.released));
  total('Ended by the guard', count(sums.reclaimed));
  total('Not listed', sums.unreported > 0 ? count(sums.unreported) : undefined);
  put(byId('leaks-note'), leaksNote(data, data.groups.length));
  yield* sync(byId('groups'), groups, data.groups, ({ fingerprint }) => fingerprint, groupView);
  yield* sync(byId('ended-rows'), ended, data.ended, ({ event, pid, leak }) => event + ' ' + pid + ' ' + leak.id, endedView);
  show(byId('ended-table'), data.ended.length > 0);
  put(byId('ended-note'), data.ended.length > 0 ? 'The last ' + count(data.ended.length) + ' leaks that were closed since this page was set up, the last one first.' : 'No leak was closed since this page was set up.');
  document.title = sums.open === 0 ? 'Leaked sockets' : '(' + count(sums.open) + ') Leaked sockets';
}

const say = () => {
  const state = byId('state');
  const since = answeredAt ? ' since ' + clock(answeredAt) : '';
  put(state, paused ? 'Paused' + since : failures > 0 ? 'No answer' + since + ' (' + trouble + '); it is tried again.' : 'Live, every 2 s');
  state.classList.toggle('lost', failures > 0 && !paused);
};

const ask = async () => {
  const headers = { accept: 'application/json' };
  if (etag) headers['if-none-match'] = etag;
  const response = await fetch(address, { headers, cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) });
  if (response.status === 304) return;
  if (response.status !== 200) throw new Error('status ' + response.status);
  const data = await response.json();
  if (data.$schema !== '${SCHEMA_ID}') throw new Error('this page is of another version: load it again');
  etag = response.headers.get('etag');
  rendering = true;
  try {
    await inSlices(render(data));
  } finally {
    rendering = false;
  }
  tick();
};

const poll = async () => {
  if (busy) return;
  busy = true;
  try {
    await ask();
    if (failures > 0) announce('There is an answer again.', true);
    failures = 0;
    answeredAt = new Date();
  } catch (error) {
    if (++failures === 1) announce('There is no answer any more.', true);
    trouble = error instanceof TypeError ? 'not reached' : error.message;
  }
  busy = false;
  say();
  plan();
};

const plan = () => {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(poll, Math.min(MAX_WAIT_MS, EVERY_MS * 2 ** Math.min(failures, 4)));
};

byId('pause').addEventListener('click', () => {
  paused = !paused;
  put(byId('pause'), paused ? 'Go on' : 'Pause');
  if (paused) clearTimeout(timer);
  else poll();
  say();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) clearTimeout(timer);
  else if (!paused) poll();
});
setInterval(() => {
  if (!paused && !document.hidden && failures === 0) tick();
}, 1000);
poll();
`;
