import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const rules = path.join(import.meta.dirname, '../../monitoring/rules.yml');

/** Why it cannot be started here; undefined where it can. */
export const missing = ['prometheus', 'prometheus-alertmanager'].some(
  (name) => spawnSync(name, ['--version']).error !== undefined,
)
  ? 'Prometheus and Alertmanager are not installed: scripts/install-test-tools.sh'
  : undefined;

/** How much faster time goes for the rules: their minutes are fifths of a second. */
const TIMES_FASTER = 300;

/** The rules as they are, but for their durations. Numbers that are seconds (`> 60`) stay. */
export function hurried(text) {
  const ms = (count, unit) => `${(Number(count) * (unit === 'h' ? 3_600_000 : 60_000)) / TIMES_FASTER}ms`;
  return text
    .replace(/^( +for: )(\d+)([mh])$/gm, (_line, before, count, unit) => before + ms(count, unit))
    .replace(/\[(\d+)([mh])\]/g, (_range, count, unit) => `[${ms(count, unit)}]`)
    .replace(/(\d+) \* 3600\)/g, (_ahead, hours) => `${(Number(hours) * 3_600) / TIMES_FASTER})`);
}

/** Debian's Prometheus and Alertmanager on loopback, with this project's rules and somebody whom they notify. */
export class MonitoringStack {
  #hurries;

  /** Alerts as Alertmanager hands them to whoever is to be told (webhook_config), and when: ms on the clock of `performance`. */
  notices = [];
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-monitoring-'));
  #children = [];
  #receiver = http.createServer((request, response) => void this.#receive(request, response));
  #prometheus = 0;

  /** @param hurries rules' minutes are fifths of a second, and pages are scraped four times a second; else as in docs/metrics.md */
  constructor({ hurries = true } = {}) {
    this.#hurries = hurries;
  }

  /** @param targets ports of pages, scraped as job `shop` */
  async start(targets) {
    this.#receiver.listen(0, '127.0.0.1');
    await once(this.#receiver, 'listening');
    const [prometheus, alertmanager] = [await freePort(), await freePort()];
    this.#prometheus = prometheus;
    const url = `http://127.0.0.1:${this.#receiver.address().port}/`;
    const asWritten = fs.readFileSync(rules, 'utf8');
    this.#write('rules.yml', this.#hurries ? hurried(asWritten) : asWritten);
    const interval = this.#hurries ? '250ms' : '15s';
    this.#write('alertmanager.yml', {
      route: {
        ...{ receiver: 'on-call', group_by: ['...'] },
        ...{ group_wait: '10ms', group_interval: '200ms', repeat_interval: '1h' },
      },
      receivers: [{ name: 'on-call', webhook_configs: [{ url, send_resolved: true }] }],
    });
    this.#write('prometheus.yml', {
      global: {
        scrape_interval: interval,
        scrape_timeout: this.#hurries ? '250ms' : '10s',
        evaluation_interval: interval,
      },
      rule_files: ['rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanager}`] }] }] },
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: targets.map((port) => `127.0.0.1:${port}`) }] }],
    });
    await this.#run('prometheus-alertmanager', alertmanager, ['--storage.path=alerts', '--cluster.listen-address=']);
    await this.#run('prometheus', prometheus, ['--storage.tsdb.path=data', '--enable-feature=exemplar-storage']);
  }

  async query(expr) {
    return (await this.#ask(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  exemplars(metric) {
    const seconds = Date.now() / 1_000;
    return this.#ask(`query_exemplars?query=${metric}&start=${seconds - 600}&end=${seconds + 1}`);
  }

  async alerts() {
    return (await this.#ask('alerts')).alerts;
  }

  /** Waits for somebody to be told. */
  notice(status, labels, timeoutMs = 30_000) {
    const isMeant = (notice) =>
      notice.status === status && Object.entries(labels).every(([name, value]) => notice.labels[name] === value);
    return waitFor(`${JSON.stringify(labels)} to be ${status}`, () => this.notices.find(isMeant), timeoutMs);
  }

  async stop() {
    for (const child of this.#children) {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  async #receive(request, response) {
    const { alerts } = await json(request);
    for (const alert of alerts) this.notices.push({ ...alert, atMs: performance.now() });
    response.end();
  }

  async #ask(what) {
    const response = await fetch(`http://127.0.0.1:${this.#prometheus}/api/v1/${what}`);
    const answer = await response.json();
    if (answer.status !== 'success') throw new Error(`Prometheus says ${JSON.stringify(answer)} to ${what}`);
    return answer.data;
  }

  #write(name, what) {
    // JSON is YAML.
    fs.writeFileSync(path.join(this.#folder, name), typeof what === 'string' ? what : JSON.stringify(what));
  }

  async #run(program, port, args) {
    const logFile = path.join(this.#folder, `${program}.log`);
    const log = fs.openSync(logFile, 'w');
    const config = `--config.file=${program.replace('prometheus-', '')}.yml`;
    const child = spawn(program, [config, `--web.listen-address=127.0.0.1:${port}`, ...args], {
      ...{ cwd: this.#folder, stdio: ['ignore', log, log] },
    });
    this.#children.push(child);
    fs.closeSync(log);
    await waitFor(`${program} to be ready`, () => isReady(port), 20_000).catch((error) => {
      throw new Error(fs.readFileSync(logFile, 'utf8'), { cause: error });
    });
  }
}

export async function waitFor(what, condition, timeoutMs = 10_000) {
  for (const deadline = performance.now() + timeoutMs; ;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(10);
  }
}

function isReady(port) {
  return fetch(`http://127.0.0.1:${port}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Neither program says which port it was given. */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
