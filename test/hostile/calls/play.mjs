/**
 * Plays cells under the shim (nth-call.c): in each, one call of the addon fails from its n-th time on, or that time alone, with one
 * error. n grows until a pass in which nothing failed any more. Prints a line of JSON for each scenario and call.
 *
 *   LD_PRELOAD=nth-call.so NTH_CALL_CONTROL=FILE node play.mjs [--older] [--at-most N] [--only CALL] SCENARIO…
 *
 * `--older`: on a kernel that refuses TCP_INFO, SO_COOKIE and RWF_NOWAIT and does not count fds. `--at-most`: cells of one call.
 */
import { parseArgs } from 'node:util';
import { warningsSaid } from './said.mjs';
import { CALLS, errorName, mayGoOn, ShimControl } from './calls.mjs';
import { Cast, Host, openFds, until } from './host.mjs';
import { SCENARIOS, TIMEOUT_MS } from './scenarios.mjs';

/** On a busy machine. */
const TRIES = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    older: { type: 'boolean', default: false },
    'at-most': { type: 'string', default: 'Infinity' },
    only: { type: 'string' },
  },
});
const control = new ShimControl(process.env.NTH_CALL_CONTROL, { older: values.older });
const host = await Host.open();
const warnings = [];
// Node's own listener prints each.
process.removeAllListeners('warning');
process.on('warning', ({ code, message }) => warnings.push({ code, message }));

class Cell {
  host = host;
  cast = new Cast();
  guards = [];
  told = [];
  reclaimed = [];
  faults = [];
  #deferred = [];

  defer(undo) {
    this.#deferred.push(undo);
  }

  fault(what) {
    this.faults.push(what);
  }

  allTold() {
    return this.cast.leaks.every((port) => this.told.some((report) => report.port === port));
  }

  async end() {
    await this.cast.leave();
    for (const undo of this.#deferred.reverse()) await undo();
  }
}

/** Plays a cell, and once more where this process had to wait for so long that a slow reader and a leak are alike. */
async function play(scenario, fault, expected) {
  for (let left = TRIES; ; left--) {
    const outcome = await playOnce(scenario, fault, expected);
    if (left === 1 || !outcome.starved) return outcome;
  }
}

/** Plays one cell. `expected` are the operations that this kernel refuses without any fault of ours. */
async function playOnce(scenario, fault, expected) {
  const cell = new Cell();
  warningsSaid().clear();
  warnings.length = 0;
  const before = openFds();
  let outcome = { seen: 0, failed: 0, loaded: true };
  let errors = {};
  try {
    await scenario.before(cell);
    control.arm(fault);
    await scenario.under(cell);
    const sawLeaks = cell.allTold();
    if ((await host.answer()) !== 'alive') cell.fault('the HTTP server does not answer under the fault');
    outcome = control.disarm();
    errors = errorsOf(cell);
    // docs/kernel.md: of a socket that nothing announced nobody knows that it is one.
    const unseen = scenario.unannounced && ['SO_PROTOCOL', 'SO_TYPE'].includes(fault.call);
    if (!scenario.noGuard && !unseen && fault.goesOn && outcome.failed > 0 && !sawLeaks) {
      if (cell.guard.supported && sum(errors) === 0)
        cell.fault('blind in silence: leaks are missed and nothing is counted');
    }
    await scenario.after(cell);
    if ((await host.answer()) !== 'alive') cell.fault('the HTTP server does not answer afterwards');
    errors = errorsOf(cell);
    judge(cell, fault, outcome, errors, expected);
  } catch (error) {
    control.disarm();
    cell.fault(
      `${error.message}; told ${cell.told.map(({ kind, side, port }) => `${kind} ${side} ${cell.cast.leaks.indexOf(port)}`).join(', ')} ${JSON.stringify(errors)}`,
    );
  }
  await cell.end();
  const left = () => openFds().filter((fd) => !before.includes(fd));
  await until('the fds to be given back', () => left().length === 0).catch(() =>
    cell.fault(`left open: ${left().join(', ')}`),
  );
  const starved = cell.accusedSlow && cell.cast.longestPauseMs >= TIMEOUT_MS;
  return { ...outcome, faults: cell.faults, errors, starved };
}

function judge(cell, fault, { failed }, errors, expected) {
  const accused = cell.told.filter(({ port }) => !cell.cast.leaks.includes(port));
  cell.accusedSlow = accused.length > 0 && accused.every(({ port }) => port === cell.cast.healthy[1]);
  if (accused.length > 0)
    cell.fault(
      `accused: ${accused.map(({ kind, cause, port, side }) => `${side} ${kind}, ${cause}, ${port === cell.cast.healthy[0] ? 'idle' : port === cell.cast.healthy[1] ? 'slow' : port}`).join('; ')}`,
    );
  const ids = cell.told.map(({ id }) => id);
  if (new Set(ids).size < ids.length) cell.fault('a leak was told twice');
  const counted = Object.keys(errors).filter((operation) => errors[operation] > 0);
  const codes = counted.map((operation) => `CWG_WARN_${operation.toUpperCase()}`);
  const unsupported = cell.guards.some(({ supported }) => !supported);
  if (unsupported) codes.push('CWG_WARN_UNSUPPORTED');
  const said = warnings.map(({ code }) => code);
  if (cell.guards.length > 0 && [...said].sort().join() !== codes.sort().join()) {
    cell.fault(`counted ${codes.join() || 'nothing'}, said ${said.join() || 'nothing'}`);
  }
  const news = counted.filter((operation) => !expected.has(operation));
  const total = news.reduce((all, operation) => all + errors[operation], 0);
  if (fault.call !== '' && !fault.goesOn && total > failed)
    cell.fault(`${failed} call failed, ${total} errors were counted: ${JSON.stringify(errors)}`);
  if ((errors.sample ?? 0) + (errors.callback ?? 0) + (errors.scrape ?? 0) > 0)
    cell.fault(`not foreseen: ${JSON.stringify(errors)}`);
}

const sum = (errors) => Object.values(errors).reduce((all, count) => all + count, 0);

function errorsOf(cell) {
  const errors = {};
  for (const guard of cell.guards) {
    for (const [name, count] of Object.entries(guard.stats().errors))
      if (count > 0) errors[name] = (errors[name] ?? 0) + count;
  }
  return errors;
}

/** Up to here each error is tried, once and for ever; later calls are like those before them, and take turns. */
const ALL_ERRORS_TO = 3;
/** Each n at first, then ever larger steps: a lap over the fd table makes hundreds of calls that are all alike. */
const nextN = (n) => (n < 8 ? n + 1 : Math.ceil(n * 1.5));

/** The cells of one call, in order; `wasClean()` says that the last n failed nothing. */
function* cellsOf(call, wasClean) {
  const errors = CALLS[call];
  for (const goesOn of [false, true]) {
    for (let n = 1; n === 1 || !wasClean(); n = nextN(n)) {
      if (goesOn && n > ALL_ERRORS_TO) break;
      const tried = n <= ALL_ERRORS_TO ? errors : [errors[n % errors.length]];
      for (const error of tried) {
        if (!goesOn || mayGoOn(call, error)) yield { call, nth: n, error, goesOn };
      }
    }
  }
}

async function playCall(name, call, expected) {
  const result = { scenario: name, older: values.older, call, cells: 0, calls: 0, faults: [], counted: [] };
  const counted = new Set();
  let failed = 0;
  for (const fault of cellsOf(call, () => failed === 0)) {
    if (result.cells >= Number(values['at-most'])) break;
    const outcome = await play(SCENARIOS[name], fault, expected);
    failed = outcome.failed;
    for (const what of outcome.faults) {
      result.faults.push(`${errorName(fault.error)} ${fault.goesOn ? 'from' : 'at'} call ${fault.nth}: ${what}`);
    }
    if (failed === 0) {
      // The scenario does not make this call at all.
      if (fault.nth === 1) break;
      continue;
    }
    for (const operation of Object.keys(outcome.errors)) if (!expected.has(operation)) counted.add(operation);
    result.cells++;
    result.calls = Math.max(result.calls, outcome.seen);
  }
  result.counted = [...counted];
  return result;
}

const print = (result) => process.stdout.write(`${JSON.stringify(result)}\n`);

for (const name of positionals) {
  // What this kernel refuses by itself is counted without any fault of ours.
  const { faults, errors } = await play(SCENARIOS[name], { call: '', nth: 1, error: 0, goesOn: false }, new Set());
  const expected = new Set(Object.keys(errors));
  print({ scenario: name, older: values.older, call: 'none', cells: 0, calls: 0, faults, counted: [...expected] });
  for (const call of Object.keys(CALLS)) {
    if (values.only === undefined || values.only === call) print(await playCall(name, call, expected));
  }
}
if (!control.disarm().loaded) {
  process.stderr.write('the shim has not met the addon: nothing was failed\n');
  process.exitCode = 1;
}
await host.close();
