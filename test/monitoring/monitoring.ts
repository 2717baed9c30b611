import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { environmentOfAUser, root } from '../support/programs.js';
import { until } from '../support/until.js';

const PROGRAMS = ['prometheus', 'prometheus-alertmanager'];

/** Undefined where the programs are there. */
export const missingPrograms = PROGRAMS.some((name) => spawnSync(name, ['--version']).error !== undefined)
  ? 'Prometheus and Alertmanager are not installed: scripts/install-test-tools.sh'
  : undefined;

/** An alert as Alertmanager hands it to whoever is to be told (webhook_config). */
export interface Notice {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** When it came, on the clock of `performance`. */
  readonly atMs: number;
}

interface Answer<T> {
  readonly status: string;
  readonly data: T;
}

interface Vector {
  readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: [number, string] }[];
}

/** How much faster time goes for the rules: their minutes are fifths of a second. */
const TIMES_FASTER = 300;

/** The rules as they are, but for their durations. Numbers that are seconds (`> 60`) stay. */
export function hurried(rules: string): string {
  const ms = (count: string, unit: string): string =>
    `${(Number(count) * (unit === 'h' ? 3_600_000 : 60_000)) / TIMES_FASTER}ms`;
  return rules
    .replace(
      /^( +for: )(\d+)([mh])$/gm,
      (_line, before: string, count: string, unit: string) => before + ms(count, unit),
    )
    .replace(/\[(\d+)([mh])\]/g, (_range, count: string, unit: string) => `[${ms(count, unit)}]`)
    .replace(/(\d+) \* 3600\)/g, (_ahead, hours: string) => `${(Number(hours) * 3_600) / TIMES_FASTER})`);
}

/** Debian's Prometheus and Alertmanager on loopback, with this project's rules, and somebody whom they notify. */
export class Monitoring {
  readonly notices: Notice[] = [];
  readonly #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'close-wait-guard-monitoring-'));
  readonly #children: ChildProcess[] = [];
  readonly #receiver = http.createServer((request, response) => void this.#receive(request, response));
  #prometheus = 0;

  /** @param targets ports of pages, scraped as job `shop` */
  async start(targets: readonly number[]): Promise<void> {
    this.#receiver.listen(0, '127.0.0.1');
    await once(this.#receiver, 'listening');
    const [prometheus, alertmanager] = [await freePort(), await freePort()];
    this.#prometheus = prometheus;
    const rules = fs.readFileSync(path.join(root, 'monitoring/rules.yml'), 'utf8');
    this.#write('rules.yml', hurried(rules));
    const address = this.#receiver.address() as AddressInfo;
    this.#write('alertmanager.yml', {
      route: {
        receiver: 'on-call',
        group_by: ['...'],
        group_wait: '10ms',
        group_interval: '200ms',
        repeat_interval: '1h',
      },
      receivers: [
        { name: 'on-call', webhook_configs: [{ url: `http://127.0.0.1:${address.port}/`, send_resolved: true }] },
      ],
    });
    this.#write('prometheus.yml', {
      global: { scrape_interval: '250ms', scrape_timeout: '250ms', evaluation_interval: '250ms' },
      rule_files: ['rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanager}`] }] }] },
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: targets.map((port) => `127.0.0.1:${port}`) }] }],
    });
    this.#run('prometheus-alertmanager', [
      ...['--config.file=alertmanager.yml', '--storage.path=alerts', '--cluster.listen-address='],
      `--web.listen-address=127.0.0.1:${alertmanager}`,
    ]);
    await this.#ready('prometheus-alertmanager', alertmanager);
    this.#run('prometheus', [
      ...['--config.file=prometheus.yml', '--storage.tsdb.path=data', '--enable-feature=exemplar-storage'],
      `--web.listen-address=127.0.0.1:${prometheus}`,
    ]);
    await this.#ready('prometheus', prometheus);
  }

  async query(expr: string): Promise<Vector['result']> {
    return (await this.#ask<Vector>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  async exemplars(metric: string): Promise<readonly { exemplars: readonly { labels: Record<string, string> }[] }[]> {
    const seconds = Date.now() / 1_000;
    return this.#ask(`query_exemplars?query=${metric}&start=${seconds - 600}&end=${seconds + 1}`);
  }

  async alerts(): Promise<readonly { labels: Record<string, string>; state: string }[]> {
    return (await this.#ask<{ alerts: readonly { labels: Record<string, string>; state: string }[] }>('alerts')).alerts;
  }

  /** Waits for somebody to be told. */
  notice(status: Notice['status'], labels: Readonly<Record<string, string>>, timeoutMs = 30_000): Promise<Notice> {
    const isMeant = (notice: Notice): boolean =>
      notice.status === status && Object.entries(labels).every(([name, value]) => notice.labels[name] === value);
    return until(`${JSON.stringify(labels)} to be ${status}`, () => this.notices.find(isMeant), { timeoutMs });
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }),
    );
    this.#receiver.closeAllConnections();
    this.#receiver.close();
    fs.rmSync(this.#folder, { recursive: true, force: true });
  }

  async #receive(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { alerts } = (await json(request)) as { alerts: readonly Omit<Notice, 'atMs'>[] };
    for (const alert of alerts) this.notices.push({ ...alert, atMs: performance.now() });
    response.end();
  }

  async #ask<T>(what: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#prometheus}/api/v1/${what}`);
    const answer = (await response.json()) as Answer<T>;
    if (answer.status !== 'success') throw new Error(`Prometheus says ${JSON.stringify(answer)} to ${what}`);
    return answer.data;
  }

  #write(name: string, what: string | object): void {
    // JSON is YAML.
    fs.writeFileSync(path.join(this.#folder, name), typeof what === 'string' ? what : JSON.stringify(what));
  }

  async #ready(program: string, port: number): Promise<void> {
    await until(`${program} to be ready`, () => isReady(port), { timeoutMs: 20_000 }).catch((error: unknown) => {
      throw new Error(fs.readFileSync(path.join(this.#folder, `${program}.log`), 'utf8'), { cause: error });
    });
  }

  #run(program: string, args: readonly string[]): void {
    const log = fs.openSync(path.join(this.#folder, `${program}.log`), 'w');
    this.#children.push(
      spawn(program, args, { cwd: this.#folder, env: environmentOfAUser(), stdio: ['ignore', log, log] }),
    );
    fs.closeSync(log);
  }
}

async function isReady(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** Neither program says which port it was given. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
