import type { FoundRoute } from '../../frameworks/fastify/routes.js';
import type { Guard } from '../../guard/guard.js';
import { internalsOf } from '../../guard/internals.js';
import type { LeakReport } from '../../leaks/report.js';
import type { HangUpHandler } from '../hang-up/handled.js';
import type { HungUp } from '../hang-up/index.js';
import {
  HANG_UP_MOMENTS,
  type HangUpWay,
  type HangUpMoment,
  type HangUpRequest,
  type HangUpResult,
} from '../hang-up/options.js';
import { idsOf, outboundLeaks } from '../hang-up/outbound.js';
import { settledWithin } from '../hang-up/patience.js';
import type { ResolvedAuditOptions } from './options.js';
import {
  adviceFor,
  ANY_ROUTE,
  firstMoment,
  hasResponse,
  momentsFor,
  momentsForAll,
  refusesBody,
  unreachable,
  type FirstResponse,
} from './plan.js';
import type { Progress } from './progress.js';
import {
  isMissing,
  isUntested,
  worseOf,
  type AuditLeak,
  type AuditOutcome,
  type AuditReport,
  type NotTried,
} from './report.js';
import { Runs } from './runs.js';
import type { Sample } from './samples.js';

/** A route and the requests to send it. Without a route: what is sent before the server can know which one is meant. */
export interface Subject {
  readonly route: FoundRoute | undefined;
  readonly sample: Sample;
}

interface Row {
  readonly method: string;
  readonly url: string;
  readonly moments: Partial<Record<HangUpMoment, AuditOutcome>>;
  request: HangUpRequest;
  response: FirstResponse | undefined;
  /** Of the last run with one; the first response's comes before it. */
  statusCode: number | undefined;
  handler: HangUpHandler;
}

export interface AuditParts {
  readonly guard: Guard;
  readonly options: ResolvedAuditOptions;
  readonly hangUp: (request: HangUpRequest, at: HangUpMoment, how: HangUpWay) => Promise<HungUp>;
  readonly progress: Progress | undefined;
  /** Whether the server has an 'upgrade' listener. */
  readonly upgrades: boolean;
  /** Routes that were excluded before it began. */
  readonly excluded: readonly NotTried[];
  readonly now: () => number;
}

/** Everything but `toString()`. */
export type AuditData = Omit<AuditReport, 'toString'>;

/** Hangs up on every subject at every moment. */
export async function audit(subjects: readonly Subject[], parts: AuditParts): Promise<AuditData> {
  return await new Audit(subjects, parts).run();
}

/** How long a route may take to respond to its first request before the other moments are tried beside it, ms. */
const SILENCE_MS = 300;

class Audit {
  readonly #subjects: readonly Subject[];
  readonly #parts: AuditParts;
  readonly #runs: Runs<HungUp>;
  readonly #leaks: AuditLeak[] = [];
  readonly #notTried: NotTried[];

  constructor(subjects: readonly Subject[], parts: AuditParts) {
    const { options, hangUp, now, excluded } = parts;
    this.#subjects = subjects;
    this.#parts = parts;
    this.#runs = new Runs(({ request, at, how }) => hangUp(request, at, how), options, now);
    this.#notTried = [...excluded];
  }

  async run(): Promise<AuditData> {
    const { guard, options } = this.#parts;
    const before = idsOf(guard);
    const planned = this.#subjects.map((subject) => this.#plan(subject));
    let done = 0;
    await Promise.all(
      planned.map(async ({ subject, row, first, rest }) => {
        const begun = this.#begin(subject, row, first);
        // What refuses a request does so at once. A route that is silent is tried at its other moments meanwhile.
        await settledWithin(SILENCE_MS, begun);
        await Promise.all([begun, ...this.#remaining(row, first, rest).map((run) => run())]);
        if (subject.route) this.#parts.progress?.update(++done, nameOf(row));
      }),
    );
    const rows = planned.map(({ row }) => row);
    const outbound = await outboundLeaks(guard, ({ id }) => !before.has(id), options.deadlineMs);
    for (const leak of outbound) this.#blame(leak);
    const places = new Map(rows.map((row, i) => [nameOf(row), i]));
    const placeOf = ({ at, ...of }: AuditLeak): [number, number] => [
      places.get(nameOf(of)) ?? 0,
      at === undefined ? HANG_UP_MOMENTS.length : HANG_UP_MOMENTS.indexOf(at),
    ];
    this.#leaks.sort((a, b) => {
      const [[row, moment], [otherRow, otherMoment]] = [placeOf(a), placeOf(b)];
      return row - otherRow || moment - otherMoment;
    });
    const complete = this.#runs.count > 0 && !this.#notTried.some(isMissing) && !rows.some(isUntested);
    return {
      survived: this.#leaks.length === 0 && complete,
      supported: guard.supported,
      rows: rows.map(({ method, url, moments, statusCode, handler }) => {
        return { method, url, statusCode, handler, advice: adviceFor(statusCode, handler), moments };
      }),
      leaks: this.#leaks,
      notTried: this.#notTried,
      runs: this.#runs.count,
      durationMs: Math.round(this.#runs.elapsedMs),
    };
  }

  #plan(subject: Subject): { subject: Subject; row: Row; first: HangUpMoment | undefined; rest: HangUpMoment[] } {
    const { options, upgrades } = this.#parts;
    const { route, sample } = subject;
    const moments = route
      ? momentsFor({ method: route.method, hasBody: sample.hasBody }, options.moments, upgrades)
      : momentsForAll(options.moments);
    const first = route ? firstMoment(moments) : undefined;
    const row: Row = {
      method: route?.method ?? ANY_ROUTE,
      url: route?.url ?? ANY_ROUTE,
      moments: {},
      request: sample.requests[0]!,
      response: undefined,
      statusCode: undefined,
      handler: 'unknown',
    };
    return { subject, row, first, rest: moments.filter((moment) => moment !== first) };
  }

  /** Finds the request that the route accepts, and notes how it responds. */
  async #begin({ sample }: Subject, row: Row, first: HangUpMoment | undefined): Promise<void> {
    if (first === undefined) return;
    const how = this.#parts.options.ways[0]!;
    for (const request of sample.requests) {
      // The other moments take it, and need not wait for its end.
      row.request = request;
      const result = await this.#try(row, request, first, how);
      if (result === undefined) return;
      const response = { statusCode: result.response?.statusCode, complete: result.response?.complete ?? false };
      if (row.response === undefined || !refusesBody(response.statusCode)) {
        row.response = response;
        row.statusCode = response.statusCode;
      }
      if (!refusesBody(response.statusCode)) return;
    }
  }

  #remaining(row: Row, first: HangUpMoment | undefined, rest: readonly HangUpMoment[]): (() => Promise<void>)[] {
    const [firstWay, ...otherWays] = this.#parts.options.ways;
    const never = row.response ? unreachable(rest, row.response) : [];
    for (const moment of never) row.moments[moment] = worseOf(row.moments[moment], 'not-reached');
    const cells = [
      ...(first === undefined ? [] : otherWays.map((how) => ({ at: first, how }))),
      ...rest
        .filter((moment) => !never.includes(moment))
        .flatMap((at) => [firstWay!, ...otherWays].map((how) => ({ at, how }))),
    ];
    return cells.map(({ at, how }) => async () => {
      await this.#try(row, row.request, at, how, !hasResponse(at));
    });
  }

  /**
   * Does one run and records its outcome.
   * @param orEarlier a leak also counts where the client left because the moment did not come
   */
  async #try(
    row: Row,
    request: HangUpRequest,
    at: HangUpMoment,
    how: HangUpWay,
    orEarlier = true,
  ): Promise<HangUpResult | undefined> {
    const { method, url } = row;
    const run = await this.#runs.begin({ request, at, how });
    if ('refused' in run) {
      const { refused: reason, explanation } = run;
      row.moments[at] = worseOf(row.moments[at], 'not-tried');
      this.#notTried.push({ method, url, at, reason, explanation });
      return undefined;
    }
    const { result, outcome } = run;
    const counts = result.reached || orEarlier;
    row.moments[at] = worseOf(row.moments[at], counts ? outcomeOf(result) : 'not-reached');
    row.handler = betterOf(row.handler, outcome.handler);
    if (method !== ANY_ROUTE) row.statusCode ??= outcome.statusCode;
    if (result.leak) {
      if (counts) this.#leaks.push({ method, url, at, how, leak: result.leak });
      this.#parts.progress?.leaked(nameOf(row));
      // It is recorded, and the connection is the audit's own: the application need not keep it.
      internalsOf(this.#parts.guard).destroySocket(result.leak.id);
    }
    return result;
  }

  /** Records an outbound leak under the route whose handler opened it. One that no request opened is the application's own. */
  #blame(leak: LeakReport): void {
    const asked = this.#subjects.find(({ route }) => route && namesOf(route).includes(leak.requestedBy ?? ''))?.route;
    const { method, url } = asked ?? { method: ANY_ROUTE, url: ANY_ROUTE };
    this.#leaks.push({ method, url, at: undefined, how: undefined, leak });
    if (asked) internalsOf(this.#parts.guard).destroySocket(leak.id);
  }
}

function outcomeOf({ leak, reached, closed }: HangUpResult): AuditOutcome {
  if (leak) return 'leak';
  if (!reached) return 'not-reached';
  return closed === false ? 'open' : 'ok';
}

const BEST_FIRST: readonly HangUpHandler[] = ['ran', 'failed', 'not-run', 'unknown'];

/** What is known of a handler that was asked several times: it may run on one request and not on another. */
function betterOf(one: HangUpHandler, other: HangUpHandler): HangUpHandler {
  return BEST_FIRST.find((handler) => handler === one || handler === other) ?? other;
}

/** The names that `requestedBy` may have for a route: Fastify uses the declared pattern, where `/:id?` is two routes. */
function namesOf({ method, url, config }: FoundRoute): string[] {
  return [url, config.url].map((path) => `${method} ${String(path)}`);
}

function nameOf({ method, url }: { readonly method: string; readonly url: string }): string {
  return `${method} ${url}`;
}
