/**
 * The drill: from an alert at 3 a.m. to a red test, and back to sleep. For each case a service leaks, a real Prometheus scrapes it, a real
 * Alertmanager tells, and from the alert's text the way leads over the exemplar's trace id to the log line, the test that
 * `reproduce()` makes of it, the fix, and the alert that resolves. Each step is timed; the commands are run as they are printed.
 *
 *   node scripts/proof/drill.mjs                          every cause
 *   node scripts/proof/drill.mjs request-body-not-read    this one
 *   node scripts/proof/drill.mjs --write                  writes the table into docs/proof.md
 *
 * It uses what `npm run build` has made, and the programs that scripts/install-test-tools.sh installs. Exits with 1 where a step fails.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { missing, MonitoringStack, waitFor } from '../monitoring/stack.mjs';
import { programOf } from './drill/app.mjs';
import { cases } from './drill/cases.mjs';
import { writeTable } from './page.mjs';

const root = path.join(import.meta.dirname, '../..');
const { values: options, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'boolean' } } });
const STEPS = ['leak', 'alert', 'log line', 'red test', 'green test', 'resolved'];
const MOST_COMMANDS = 6;
const MOST_SECONDS = 60;

class Drill {
  #folder;
  #stack = new MonitoringStack();
  #child;
  #sockets = [];
  #startedAt = performance.now();
  #commands = 0;
  times = {};

  constructor(scenario) {
    this.scenario = scenario;
    const scratch = path.join(root, '.scratch');
    fs.mkdirSync(scratch, { recursive: true });
    // In the checkout, so that the package is found under its name.
    this.#folder = fs.mkdtempSync(path.join(scratch, 'drill-'));
    for (const [name, text] of Object.entries(programOf(scenario.handlers))) this.#write(name, text);
  }

  async run(cause) {
    const trace = randomBytes(16).toString('hex');
    const [port, smtp] = await this.#serve(0, 0);
    const leaky = this.scenario.isHttp === false ? smtp : port;
    await this.#stack.start([port]);
    await waitFor('the page to be scraped', async () => (await this.#stack.query('up'))[0]?.value[1] === '1', 20_000);
    this.#startedAt = performance.now();

    await this.#leak(leaky, trace);
    this.#done('leak');

    const alert = await this.#stack.notice('firing', { alertname: 'CloseWaitLeak', cause });
    this.#done('alert');
    this.#say(`alert     ${alert.annotations.description}`);
    const anchor = alert.annotations.runbook_url.split('#')[1];
    const section = /^## (.*)$/gm;
    const runbook = fs.readFileSync(path.join(root, 'docs/runbook.md'), 'utf8');
    const headings = Array.from(runbook.matchAll(section), ([, heading]) => heading);
    this.#say(`runbook   ${alert.annotations.runbook_url}`);
    expect(
      headings.some((heading) => heading.toLowerCase() === anchor),
      'the runbook has a section of that name',
    );

    const { hasTrace = true } = this.scenario;
    if (hasTrace) {
      const [series] = await waitFor('the exemplar', async () => {
        const all = await this.#stack.exemplars('close_wait_leaks_total');
        return all.length > 0 && all;
      });
      this.#say(`exemplar  trace_id ${series.exemplars[0].labels.trace_id}`);
      expect(series.exemplars[0].labels.trace_id === trace, 'the exemplar has the trace of the request that leaked');
    }
    const named = hasTrace ? `"trace_id":"${trace}"` : `"cause":"${cause}"`;
    await this.#command(`grep '${named}' shop.log | head -n 1 > leak.json`);
    const { leak } = JSON.parse(fs.readFileSync(path.join(this.#folder, 'leak.json'), 'utf8'));
    this.#say(`report    ${leak.explanation}\n          Fix: ${leak.fix}`);
    this.#done('log line');

    const { leaks, fix, isTestable = true } = this.scenario;
    const red = await this.#command('node --test leak.test.mjs', false);
    if (isTestable)
      expect(red.includes('ERR_ASSERTION'), `the test that reproduce() makes is red, and says what is wrong:\n${red}`);
    else expect(red.includes('CWG_ERR_ARGUMENT'), 'reproduce() says what a test would need');
    this.#done('red test');

    this.#write('app.mjs', programOf(this.scenario.handlers.replace(leaks, () => fix))['app.mjs']);
    this.#say(`fix       ${leaks.trim()}\n       -> ${fix.trim()}`);
    if (isTestable) await this.#command('node --test leak.test.mjs');
    this.#done('green test');

    await this.#command('systemctl restart shop', undefined, () => this.#serve(port, smtp));
    await this.#leak(leaky, trace);
    await this.#stack.notice('resolved', { alertname: 'CloseWaitLeak', cause });
    this.#done('resolved');
    expect(this.#commands <= MOST_COMMANDS, `${this.#commands} commands, at most ${MOST_COMMANDS}`);
    expect(this.times.resolved <= MOST_SECONDS * 1_000, `${this.times.resolved} ms, at most ${MOST_SECONDS} s`);
    return this.#commands;
  }

  async end() {
    for (const socket of this.#sockets) socket.destroy();
    this.#child?.kill('SIGKILL');
    await this.#stack.stop();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  async #serve(port, smtp) {
    if (this.#child) {
      this.#child.kill('SIGKILL');
      await once(this.#child, 'exit');
    }
    this.#child = spawn(process.execPath, ['server.mjs', String(port), String(smtp)], {
      ...{ cwd: this.#folder, stdio: ['ignore', 'pipe', 'inherit'] },
    });
    const [line] = await once(this.#child.stdout, 'data');
    return String(line).split(' ').map(Number);
  }

  /** A client that asks and leaves. */
  async #leak(port, trace) {
    const { ask, waitsFor, thenSays, reads = true } = this.scenario;
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    this.#sockets.push(socket);
    let received = '';
    if (reads) socket.on('data', (chunk) => (received += chunk));
    socket.write(ask.replaceAll('TRACE', trace));
    if (waitsFor) await waitFor(`the client to have ${waitsFor}`, () => received.includes(waitsFor));
    if (thenSays) socket.write(thenSays);
    socket.end();
  }

  /** Runs it as it is printed. @param succeeds undefined where it is another's: what it does here is `instead` */
  async #command(command, succeeds = true, instead) {
    this.#commands++;
    this.#say(`$ ${command}`);
    if (instead) return void (await instead());
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      NODE_TEST_CONTEXT: undefined,
      PATH: `${path.dirname(process.execPath)}:${process.env.PATH}`,
    };
    const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
      cwd: this.#folder,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    const text = `${stdout}${stderr}`;
    expect((status === 0) === succeeds, `exit status ${status} of ${command}\n${text}`);
    return text;
  }

  #done(step) {
    this.times[step] = Math.round(performance.now() - this.#startedAt);
    this.#say(`${(this.times[step] / 1_000).toFixed(1)} s: ${step}`);
  }

  #say(text) {
    console.log(`  ${text}`);
  }

  #write(name, text) {
    fs.writeFileSync(path.join(this.#folder, name), text);
  }
}

function expect(isSo, what) {
  if (!isSo) throw new Error(`not so: ${what}`);
}

async function drillOf(cause) {
  console.log(`\n${cause}`);
  const drill = new Drill(cases[cause]);
  try {
    const commands = await drill.run(cause);
    return { cause, times: drill.times, commands, verdict: 'holds' };
  } catch (error) {
    console.log(`  FAILED: ${error.message}`);
    return { cause, times: drill.times, commands: '', verdict: error.message.split('\n', 1)[0] };
  } finally {
    await drill.end();
  }
}

const unknown = positionals.find((name) => !(name in cases));
if (unknown !== undefined) {
  process.stderr.write(`drill: there is no ${unknown}; there are ${Object.keys(cases).join(', ')}\n`);
  process.exit(2);
}
if (missing !== undefined) {
  process.stderr.write(`NOT TESTED HERE: the drill: ${missing}\n`);
  process.exit(1);
}
const results = [];
for (const cause of positionals.length > 0 ? positionals : Object.keys(cases)) results.push(await drillOf(cause));
const good = results.filter(({ verdict }) => verdict === 'holds').length;
console.log(`\n${good} of ${results.length} drills hold`);
if (options.write) {
  const seconds = (ms) => (ms === undefined ? '' : (ms / 1_000).toFixed(1));
  writeTable('drill', {
    title: 'From the alert to the test',
    text: `${good} of ${results.length} drills hold. A service leaks, Debian's Prometheus and Alertmanager (their minutes are fifths of a second here) tell of it, and from the alert's
text the way leads over the exemplar's trace id to the line of the log, the test that \`reproduce()\` makes of it, the fix typed in, and the alert that resolves. Seconds since the client left.`,
    head: ['cause', ...STEPS, 'commands', 'verdict'],
    rows: results.map(({ cause, times, commands, verdict }) => [
      cause,
      ...STEPS.map((step) => seconds(times[step])),
      commands,
      verdict,
    ]),
    all: positionals.length === 0,
  });
}
process.exitCode = good === results.length ? 0 : 1;
