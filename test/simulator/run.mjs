/**
 * Plays random histories of sockets against the library's tracker, ledger, teller and diagnosis, and holds what they do against what the
 * simulated kernel knows. README.md beside this file says what a history is and what must hold.
 *
 *   npm run simulate -- --seconds 60                    so long, of CPU
 *   npm run simulate -- --histories 100000 --seed 7     so many; the same seed gives the same ones
 *   node test/simulator/run.mjs --seed 7 --history 41   this one, step by step
 *
 * It takes src/ as it stands: nothing has to be built. `--src DIR` takes another one. Exits with 1 where an invariant does not hold,
 * and then prints the seed, the shortest history that shows it, and the invariant in a sentence.
 */
import { parseArgs } from 'node:util';
import { History, shrink } from './history.mjs';
import { loadLibrary } from './library.mjs';
import { Random } from './random.mjs';
import { Violation } from './referee.mjs';
import { Simulation } from './simulation.mjs';

const OPTIONS = { seconds: '60', histories: '', seed: '', history: '', src: '', out: '' };
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(Object.keys(OPTIONS).map((name) => [name, { type: 'string', default: OPTIONS[name] }])),
    json: { type: 'boolean', default: false },
  },
});
const seconds = number('seconds');
const most = values.histories === '' ? Number.POSITIVE_INFINITY : number('histories');
const seed = values.seed === '' ? Date.now() % 1_000_000_000 : number('seed');
const library = await loadLibrary(values.src || undefined, values.out || undefined);
const simulation = new Simulation(library);
const random = new Random();

if (values.history === '') explore();
else replay(new History().make(random, seed, number('history')));

function number(name) {
  const value = Number(values[name]);
  if (values[name] !== '' && Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`simulate: --${name} takes a whole number, 0 or more, and was given '${values[name]}'\n`);
  process.exit(2);
}

function explore() {
  const history = new History();
  const started = process.cpuUsage();
  const cpuSeconds = () => {
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1e6;
  };
  const timed = values.histories === '';
  for (let index = 0; index < most; index++) {
    if (timed && index % 1_000 === 0 && cpuSeconds() >= seconds) break;
    const error = simulation.play(history.make(random, seed, index));
    if (error !== undefined) return report(history, index, error);
  }
  const { histories, steps, samples, leaks } = simulation.counts;
  const used = cpuSeconds();
  const figures = { seed, histories, cpuSeconds: used, aMinute: Math.round((histories / used) * 60), steps, samples, leaks };
  if (values.json) return console.log(JSON.stringify(figures));
  const each = (count) => (count / histories).toFixed(1);
  console.log(`seed ${seed}: ${grouped(histories)} histories in ${used.toFixed(1)} s of CPU (${grouped(figures.aMinute)} a minute)
each of ${each(steps)} steps and ${each(samples)} samples; ${grouped(leaks)} leaks. Every invariant held.`);
}

function report(history, index, error) {
  process.exitCode = 1;
  if (values.json) return console.log(JSON.stringify({ seed, history: index, invariant: error.message }));
  const same = ({ message }) => message.replace(/\d+(\.\d+)?/g, '') === error.message.replace(/\d+(\.\d+)?/g, '');
  const short = shrink(history, (shorter) => {
    const found = simulation.play(shorter);
    return found !== undefined && same(found);
  });
  console.log(`seed ${seed}, history ${index} (node test/simulator/run.mjs --seed ${seed} --history ${index}), shrunk to ${short.length} of ${history.length} steps:`);
  replay(short);
}

function replay(history) {
  console.log(`  ${history.settings}`);
  const error = simulation.play(history, (text) => console.log(`  ${text}`));
  if (error === undefined) return console.log('  Every invariant held.');
  process.exitCode = 1;
  console.log(`NOT SO: ${error instanceof Violation ? error.message : error.stack}`);
}

function grouped(count) {
  return Math.round(count).toLocaleString('en-US');
}
