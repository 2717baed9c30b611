import { SCHEMA_ID } from '../../base/schema.js';
import { wallClock } from '../../base/clock.js';
import { VERSION } from '../../base/version.js';
import { traceFieldsOf } from '../../guard/leak-line.js';
import type { LeakReport } from '../../leaks/report.js';
import type { CommandIo } from '../frame/command.js';
import { table, wrap, type Column } from '../frame/table.js';
import type { Counts } from '../inside/visit.js';
import type { Attachment, Found } from './attachment.js';

const COLUMNS: readonly Column[] = [
  { title: 'COUNT', align: 'right' },
  { title: 'KIND' },
  { title: 'CAUSE' },
  { title: 'OLDEST', align: 'right' },
  { title: 'WHOSE', cut: true },
];
/** What a sentence is set off by. */
const INDENT = '  ';
const WIDEST = 100;

/** Of one process that was looked into. */
interface ProcessLooked {
  readonly pid: number;
  readonly command: string;
  readonly threads: number;
  readonly inspector: { readonly port: number; readonly openedHere: boolean };
  readonly sockets: Counts;
  readonly notes: readonly string[];
}

/** Says what was found: a table and its sentences, or JSON. */
export class AttachReportWriter {
  readonly #io: CommandIo;
  readonly #how: { readonly json: boolean; readonly watch: boolean; readonly timeoutMs: number };
  /** The open leaks by their cookie: a socket that two processes hold is one. */
  readonly #open = new Map<string, Found>();
  readonly #processes: ProcessLooked[] = [];
  #told = 0;

  constructor(io: CommandIo, how: { readonly json: boolean; readonly watch: boolean; readonly timeoutMs: number }) {
    this.#io = io;
    this.#how = how;
  }

  begin({ target, threadCount, inspector }: Attachment): void {
    if (!this.#how.watch) return;
    const threads = threadCount === 1 ? '' : `, ${threadCount} threads`;
    const opened = inspector.openedHere ? 'opened' : 'that was open';
    this.#io.note(
      `watching process ${target.pid} (${target.command}${threads}) by its inspector on port ${inspector.port}, ${opened}; Ctrl-C ends it\n`,
    );
  }

  take(found: readonly Found[]): void {
    for (const each of found) {
      const { id } = each.leak;
      if (each.event === 'leak') {
        if (this.#open.has(id)) continue;
        this.#told++;
        this.#open.set(id, each);
      } else this.#open.delete(id);
      if (this.#how.watch) this.#io.out(this.#how.json ? lineOf(each) : sentencesOf(each, this.#width));
    }
  }

  end(attachment: Attachment, sockets: Counts): void {
    const { target, inspector, threadCount, notes } = attachment;
    const { port, openedHere } = inspector;
    this.#processes.push({
      ...{ pid: target.pid, command: target.command, threads: threadCount, inspector: { port, openedHere } },
      ...{ sockets, notes },
    });
    for (const note of notes) this.#io.note(`note: ${note}\n`);
  }

  /** Returns how many leaks there were: those that are open, or with `watch` all that were told. */
  finish(): number {
    const { watch, json, timeoutMs } = this.#how;
    if (watch) return this.#told;
    const leaks = [...this.#open.values()];
    const unreported = this.#processes.reduce((sum, { sockets }) => sum + sockets.unreported, 0);
    if (json) {
      const document = {
        ...{ $schema: SCHEMA_ID, command: 'attach', version: VERSION, time: wallClock().toISOString(), timeoutMs },
        processes: this.#processes,
        leaks: leaks.map(({ pid, threadId, leak }) => ({ pid, threadId, ...leak })),
        unreported,
      };
      this.#io.out(`${JSON.stringify(document, undefined, 2)}\n`);
    } else this.#io.out(this.#text(leaks, unreported));
    return leaks.length + unreported;
  }

  #text(leaks: readonly Found[], unreported: number): string {
    const watched = this.#processes.reduce((sum, { sockets }) => sum + sockets.watched, 0);
    const who = this.#processes.map(({ pid, command }) => `${pid} (${command})`).join(', ');
    const total = leaks.length + unreported;
    const head = `${total === 0 ? 'no' : total} leaked ${total === 1 ? 'socket' : 'sockets'} among ${watched} TCP connections of ${who}\n`;
    if (leaks.length === 0) return head;
    const groups = groupsOf(leaks);
    const rows = groups.map(([first, ...rest]) => [
      String(1 + rest.length),
      first.leak.kind,
      first.leak.cause,
      ageText(Math.max(first.leak.ageMs, ...rest.map(({ leak }) => leak.ageMs))),
      whoseOf(first, this.#processes.length > 1),
    ]);
    const sentences = groups.map(([{ leak }]) => `\n${explained(leak, this.#width)}`).join('');
    return `${head}\n${table(COLUMNS, rows, this.#io.columns)}${sentences}`;
  }

  get #width(): number {
    return Math.min(this.#io.columns, WIDEST);
  }
}

type Group = readonly [Found, ...Found[]];

/** Equal leaks together, the oldest first; of each group, too. */
function groupsOf(leaks: readonly Found[]): Group[] {
  const groups = new Map<string, [Found, ...Found[]]>();
  for (const each of [...leaks].sort((a, b) => b.leak.ageMs - a.leak.ageMs)) {
    const key = `${each.pid} ${each.leak.fingerprint}`;
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return [...groups.values()];
}

function whoseOf({ leak, pid, threadId }: Found, withPid: boolean): string {
  const { method, route, destination, server, side, fd } = leak;
  const request = [method, route].filter(Boolean).join(' ');
  const owner =
    side === 'outbound' ? (destination ?? '') : [request, server && `on ${server}`].filter(Boolean).join(' ');
  const where = [withPid ? `pid ${pid}` : '', threadId === 0 ? '' : `thread ${threadId}`].filter(Boolean).join(' ');
  return [owner === '' ? `fd ${fd}` : owner, where].filter(Boolean).join(', ');
}

function explained({ explanation, fix }: LeakReport, width: number): string {
  return wrap(explanation, width, INDENT) + wrap(`Fix: ${fix}`, width, INDENT);
}

function lineOf({ event, pid, threadId, leak }: Found): string {
  const line = { event, time: wallClock().toISOString(), pid, threadId, ...traceFieldsOf(leak), leak };
  return `${JSON.stringify(line)}\n`;
}

function sentencesOf({ event, leak }: Found, width: number): string {
  const time = wallClock().toTimeString().slice(0, 8);
  const head = `${time} ${event === 'leak' ? 'leak' : 'closed'}: ${leak.kind}, ${leak.cause}, ${ageText(leak.ageMs)} old\n`;
  return event === 'leak' ? head + explained(leak, width) : head + wrap(leak.explanation, width, INDENT);
}

/** As in `3 d 4 h`, `12 s`. */
export function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const units: [string, number][] = [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first === -1) return '0 s';
  let rest = seconds;
  return units
    .slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : `${count} ${unit}`;
    })
    .filter(Boolean)
    .join(' ');
}
