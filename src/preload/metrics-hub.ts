import { createServer, type Socket } from 'node:net';
import { clearTimeout, setTimeout } from 'node:timers';
import { sumUp, totalsOf } from '../metrics/page.js';
import type { MetricObject } from '../metrics/registry.js';
import type { SocketsPageData } from '../page/data.js';
import { isPageData } from '../page/merge.js';
import { eachLine } from './lines.js';
import { listenAt } from './metrics-meeting.js';

/** How long a scrape waits for processes whose event loop is blocked; what they said last stands for them. */
const GATHER_TIMEOUT_MS = 250;
/** Processes that are gone and may yet come back on another connection. */
const MAX_GONE = 100;

/** What a member is asked for. One of an older version answers any line with its metrics. */
export const ASK = Object.freeze({ metrics: '?', page: '?page' });

interface Member {
  readonly socket: Socket;
  metrics: readonly MetricObject[];
  /** What the page that a person reads shows of it, as it was last told. */
  page: SocketsPageData | undefined;
  /** Who waits for what it was asked for. */
  readonly waiting: Record<keyof typeof ASK, (() => void)[]>;
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
    await this.#askAll('metrics');
    return [
      ...Array.from(this.#members.values(), ({ metrics }) => metrics),
      ...Array.from(this.#gone.values()),
      this.#longGone,
    ];
  }

  /** What the page shows of the other processes; of one that does not answer in time what it said last. */
  async gatherPages(): Promise<SocketsPageData[]> {
    await this.#askAll('page');
    return Array.from(this.#members.values()).flatMap(({ page }) => page ?? []);
  }

  async #askAll(what: keyof typeof ASK): Promise<void> {
    await Promise.all(Array.from(this.#members.values(), (member) => ask(member, what)));
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
      name ??= said.id;
      const member = this.#members.get(name);
      if (member?.socket === socket) {
        Object.assign(member, said.told);
        for (const go of member.waiting[said.what].splice(0)) go();
      } else {
        member?.socket.destroy();
        this.#gone.delete(name);
        const waiting = { metrics: [], page: [] };
        this.#members.set(name, { socket, metrics: [], page: undefined, ...said.told, waiting });
      }
    });
    socket.on('close', () => {
      const member = name === undefined ? undefined : this.#members.get(name);
      if (name === undefined || member?.socket !== socket) return;
      this.#members.delete(name);
      for (const go of [...member.waiting.metrics, ...member.waiting.page]) go();
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

async function ask(member: Member, what: keyof typeof ASK): Promise<void> {
  await new Promise<void>((resolve) => {
    // Not unref'd: a scrape is being answered.
    const timer = setTimeout(resolve, GATHER_TIMEOUT_MS);
    member.waiting[what].push(() => {
      clearTimeout(timer);
      resolve();
    });
    member.socket.write(`${ASK[what]}\n`);
  });
}

interface Said {
  readonly id: string;
  readonly what: keyof typeof ASK;
  readonly told: Partial<Pick<Member, 'metrics' | 'page'>>;
}

function parsed(line: string): Said | undefined {
  try {
    const { id, metrics, page } = JSON.parse(line) as { id?: unknown; metrics?: unknown; page?: unknown };
    if (typeof id !== 'string') return undefined;
    if (isPageData(page) || page === null) return { id, what: 'page', told: { page: page ?? undefined } };
    return Array.isArray(metrics) && metrics.every(isMetricObject)
      ? { id, what: 'metrics', told: { metrics: metrics as MetricObject[] } }
      : undefined;
  } catch {
    return undefined;
  }
}

function isMetricObject(value: unknown): boolean {
  const { name, values, aggregator } = (value ?? {}) as Partial<MetricObject>;
  return typeof name === 'string' && Array.isArray(values) && ['sum', 'max', 'min'].includes(aggregator ?? '');
}
