import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../support/programs.js';

/** A fenced block of a page. The first word after the fence is its language, the second says what the tests do with it. */
export interface Block {
  readonly page: string;
  /** Of the fence, counted from 1. */
  readonly line: number;
  /** The heading above it. */
  readonly heading: string;
  readonly language: string;
  readonly use: string;
  readonly code: string;
}

export interface Page {
  /** From the root of the repository, as in `docs/limits.md`. */
  readonly name: string;
  readonly text: string;
  readonly blocks: readonly Block[];
  /** The text without its blocks; lines keep their numbers. */
  readonly prose: string;
}

/** README.md and every page under docs/. */
export function pages(): Page[] {
  const docs = readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `docs/${file}`);
  return ['README.md', ...docs].map(readPage);
}

export function readPage(name: string): Page {
  const text = readFileSync(path.join(root, name), 'utf8');
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { line: number; indent: string; info: string; code: string[] } | undefined;
  let heading = '';
  for (const [index, line] of text.split('\n').entries()) {
    if (open === undefined) heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    const fence = /^(\s*)```(.*)$/.exec(line);
    if (open === undefined && fence) {
      open = { line: index + 1, indent: fence[1] ?? '', info: fence[2] ?? '', code: [] };
    } else if (open !== undefined && fence) {
      const [language = '', use = ''] = open.info.trim().split(/\s+/);
      blocks.push({ page: name, line: open.line, heading, language, use, code: `${open.code.join('\n')}\n` });
      open = undefined;
    } else if (open !== undefined) {
      open.code.push(line.startsWith(open.indent) ? line.slice(open.indent.length) : line);
    }
    prose.push(open === undefined && !fence ? line : '');
  }
  if (open !== undefined) throw new Error(`${name}:${open.line}: this block has no end`);
  return { name, text, blocks, prose: prose.join('\n') };
}

/** The rows of every table below a heading (to the next heading of any level), without its head; cells are trimmed. */
export function tableRows(page: Page, heading: string): string[][] {
  const lines = page.prose.split('\n');
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === heading);
  if (start < 0) throw new Error(`${page.name} has no heading "${heading}"`);
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line));
  const section = lines.slice(start + 1, length < 0 ? undefined : start + 1 + length);
  const isRow = (line: string | undefined): boolean => line?.startsWith('|') === true;
  const isRule = (line: string | undefined): boolean => /^\|[\s|:-]+\|$/.test(line ?? '');
  return section
    .filter((line, i) => isRow(line) && !isRule(line) && !isRule(section[i + 1]))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
}

/** The name in a cell such as `` [`never-read`](never-read.md) `` or `` `metrics` (plugin) ``. */
export function nameIn(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? '')?.[1] ?? '';
}
