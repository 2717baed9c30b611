import { HANG_UP_MOMENTS } from '../hang-up/options.js';
import {
  isUntested,
  type AuditLeak,
  type AuditOutcome,
  type AuditReport,
  type AuditRow,
  type NotTried,
} from './report.js';

const CELLS: Readonly<Record<AuditOutcome, string>> = Object.freeze({
  ok: 'ok',
  leak: 'LEAK',
  open: 'open',
  'not-reached': 'n/r',
  'not-tried': 'cut',
});
const LEGEND: Readonly<Record<string, string>> = Object.freeze({
  open: 'open: still at work on the connection at the deadline',
  'n/r': 'n/r: the moment did not come',
  cut: 'cut: not tried, see below',
});
const NO_SUCH_MOMENT = '-';
const GAP = '  ';
/** How many are spelled out of what was not tried for one reason. */
const MAX_NAMED = 10;

type Report = Omit<AuditReport, 'toString'>;

/** The report as a terminal shows it: routes and moments, then what leaked and what to change, then what was not tried. */
export function drawReport(report: Report): string {
  const sections = [table(report), leaks(report.leaks), advice(report.rows), notTried(report.notTried), totals(report)];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function table({ rows }: Report): string[] {
  if (rows.length === 0) return [];
  const moments = HANG_UP_MOMENTS.filter((moment) => rows.some((row) => row.moments[moment] !== undefined));
  const body = rows.map((row) => [
    nameOf(row),
    ...moments.map((moment) => {
      const outcome = row.moments[moment];
      return outcome === undefined ? NO_SUCH_MOMENT : CELLS[outcome];
    }),
  ]);
  const used = new Set(body.flatMap((cells) => cells.slice(1)));
  const legend = Object.entries(LEGEND).flatMap(([cell, meaning]) => (used.has(cell) ? [meaning] : []));
  return [...aligned([['route', ...moments], ...body]), ...(legend.length > 0 ? ['', legend.join(' | ')] : [])];
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join(GAP)
      .trimEnd(),
  );
}

/** Each route and cause once, with all its moments. */
function leaks(all: readonly AuditLeak[]): string[] {
  return grouped(all, groupOf).flatMap((group, i) => {
    const { leak } = group[0]!;
    const when = unique(
      group.map(({ at, how }) => (at === undefined ? undefined : `${at}${how === 'fin' ? '' : ` (${String(how)})`}`)),
    );
    const at = when.filter((moment) => moment !== undefined);
    const subject = leak.side === 'outbound' ? `, connection to ${printable(leak.destination ?? 'a server')}` : '';
    return [
      ...(i > 0 ? [''] : []),
      `LEAK ${nameOf(group[0]!)}${subject}: ${leak.cause} (${unique(group.map((one) => one.leak.kind)).join(', ')})`,
      `     at:  ${at.length > 0 ? at.join(', ') : 'not known at which moment'}`,
      `     why: ${printable(leak.explanation)}`,
      `     fix: ${printable(leak.fix)}`,
    ];
  });
}

function groupOf({ method, url, leak }: AuditLeak): string {
  return JSON.stringify([method, url, leak.side, leak.cause]);
}

function advice(rows: readonly AuditRow[]): string[] {
  const [failed, others] = [rows.filter(isFailed), rows.filter((row) => !isFailed(row) && row.advice !== undefined)];
  const list = (heading: string, advised: readonly AuditRow[]): string[] =>
    advised.length === 0 ? [] : [heading, ...advised.map((row) => `  ${nameOf(row)}: ${printable(row.advice ?? '')}`)];
  return [
    ...list('Did not get to the handler:', others.filter(isUntested)),
    ...list(
      'Turned away by the handler:',
      others.filter((row) => !isUntested(row)),
    ),
    ...list('The handler failed each time:', failed),
  ];
}

function isFailed({ handler }: AuditRow): boolean {
  return handler === 'failed';
}

function notTried(all: readonly NotTried[]): string[] {
  if (all.length === 0) return [];
  const lines = grouped(all, ({ explanation }) => explanation).map((items) => {
    const { explanation } = items[0]!;
    const names = items
      .slice(0, MAX_NAMED)
      .map((item) => (item.at === undefined ? nameOf(item) : `${nameOf(item)} ${item.at}`));
    const more = items.length > MAX_NAMED ? `, and ${items.length - MAX_NAMED} more` : '';
    const count = items.length > 1 ? ` (${items.length})` : '';
    return `  ${printable(explanation)}${count}: ${names.join(', ')}${more}`;
  });
  return ['Not tried:', ...lines];
}

function totals({ rows, leaks: all, runs, durationMs, survived, notTried: left }: Report): string[] {
  const routes = rows.filter(({ method }) => method !== '*').length;
  const leaking = new Set(all.map(({ method, url }) => `${method} ${url}`)).size;
  const verdict = survived
    ? 'survived'
    : all.length > 0
      ? counted(leaking, 'route leaks', 'routes leak')
      : runs === 0
        ? 'nothing was tried'
        : 'not complete';
  const seconds = (durationMs / 1000).toFixed(1);
  const lines = [
    `${verdict}: ${counted(routes, 'route')}, ${counted(runs, 'hang-up')}, ${counted(all.length, 'leak')}, ${left.length} not tried, ${seconds} s`,
  ];
  return lines;
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function nameOf({ method, url }: { readonly method: string; readonly url: string }): string {
  if (method === '*') return `${url} (any route)`;
  return printable(`${method} ${url}`);
}

/** A route's pattern is the application's own, but may come from data; an error's text always may. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}

/** In the order in which each was first seen. Map.groupBy is not in Node 20. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return [...groups.values()];
}
