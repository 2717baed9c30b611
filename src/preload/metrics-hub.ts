import { createServer, type Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { sumUp, totalsOf } from '../metrics/page.js';
import type { MetricObject } from '../metrics/registry.js';
import { eachLine } from './lines.js';
import { listenAt } from './metrics-meeting.js';

/** How long a scrape waits for processes whose event loop is blocked; what they said last stands for them. */
const GATHER_TIMEOUT_MS = 250;
/** Processes that are gone and may yet come back on another connection. */
const MAX_GONE = 100;

interface Member {
  readonly socket: Socket;
  metrics: readonly MetricObject[];
  /** Of scrapes that wait for it. */
  waiting: (() => void)[];
}

/** Has the numbers of the other processes that share the metrics port, and keeps the totals of those that are gone. */
export class MetricsHub {
  readonly #members = new Map<string, Member>();
  readonly #gone = new Map<string, readonly MetricObject[]>();
  #longGone: readonly MetricObject[] = [];

  constructor(place: string, onError: (error: Error) => void) {
    const server = createServer((socket) => {
      this.#join(socket);
    });
    server.on('error', onError);
    listenAt(place, server);
    server.unref();
  }

  /** What the other processes count now, each for itself, and what those counted that are gone. */
  async gather(): Promise<(readonly MetricObject[])[]> {
    await Promise.all(Array.from(this.#members.values(), ask));
    return [
      ...Array.from(this.#members.values(), ({ metrics }) => metrics),
      ...Array.from(this.#gone.values()),
      this.#longGone,
    ];
  }

  #join(socket: Socket): void {
    let name: string | undefined;
    socket.unref();
    socket.on('error', () => socket.destroy());
    eachLine(socket, (line) => {
      const said = parsed(line);
      if (!said) {
        socket.destroy();
        return;
      }
      const { id, metrics } = said;
      name ??= id;
      const member = this.#members.get(name);
      if (member?.socket === socket) {
        member.metrics = metrics;
        for (const go of member.waiting.splice(0)) go();
      } else {
        member?.socket.destroy();
        this.#gone.delete(name);
        this.#members.set(name, { socket, metrics, waiting: [] });
      }
    });
    socket.on('close', () => {
      const member = name === undefined ? undefined : this.#members.get(name);
      if (name === undefined || member?.socket !== socket) return;
      this.#members.delete(name);
      for (const go of member.waiting) go();
      this.#keepTotals(name, totalsOf(member.metrics));
    });
  }

  #keepTotals(name: string, totals: readonly MetricObject[]): void {
    this.#gone.set(name, totals);
    const [oldest] = this.#gone;
    if (this.#gone.size <= MAX_GONE || !oldest) return;
    this.#gone.delete(oldest[0]);
    this.#longGone = sumUp([this.#longGone, oldest[1]]);
  }
}

async function ask(member: Member): Promise<void> {
  await new Promise<void>((resolve) => {
    // Not unref'd: a scrape is being answered.
    const timer = setTimeout(resolve, GATHER_TIMEOUT_MS);
    member.waiting.push(() => {
      clearTimeout(timer);
      resolve();
    });
    member.socket.write('?\n');
  });
}

function parsed(line: string): { readonly id: string; readonly metrics: readonly MetricObject[] } | undefined {
  try {
    const { id, metrics } = JSON.parse(line) as { id?: unknown; metrics?: unknown };
    return typeof id === 'string' && Array.isArray(metrics) && metrics.every(isMetricObject)
      ? { id, metrics: metrics as MetricObject[] }
      : undefined;
  } catch {
    return undefined;
  }
}

function isMetricObject(value: unknown): boolean {
  const { name, values, aggregator } = (value ?? {}) as Partial<MetricObject>;
  return typeof name === 'string' && Array.isArray(values) && ['sum', 'max', 'min'].includes(aggregator ?? '');
}
