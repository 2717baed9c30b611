import { table, wrap } from './table.js';

/** Code and lists are set off by so much. */
const INDENT = '    ';
const WIDEST = 100;

/** The Markdown of this package's own pages (headings, paragraphs, lists, code, tables) as text for a terminal. */
export function markdownAsText(page: string, columns: number): string {
  const width = Math.min(columns, WIDEST);
  const lines = page.split('\n');
  let text = '';
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line.startsWith('```')) {
      while (++i < lines.length && !lines[i]!.startsWith('```')) text += `${INDENT}${lines[i]!}`.trimEnd() + '\n';
    } else if (line.startsWith('|')) {
      const rows = takeWhile(lines, i, (each) => each.startsWith('|'));
      i += rows.length - 1;
      text += tableAsText(rows, columns);
    } else if (/^#+ /.test(line)) {
      text += wrap(plain(line.replace(/^#+ /, '')).toUpperCase(), width);
    } else if (/^\s*(?:[-*]|\d+\.) /.test(line)) {
      const [, before = ''] = /^(\s*(?:[-*]|\d+\.) )/.exec(line) ?? [];
      const item = takeWhile(lines, i + 1, (each) => /^\s+\S/.test(each) && !/^\s*(?:[-*]|\d+\.) /.test(each));
      i += item.length;
      const body = wrap(plain([line.slice(before.length), ...item].join(' ')), width, ' '.repeat(before.length));
      text += before + body.slice(before.length);
    } else if (line.trim() === '') text += '\n';
    else {
      const paragraph = takeWhile(lines, i, (each) => each.trim() !== '' && !/^(?:```|\||#+ |[-*] )/.test(each));
      i += paragraph.length - 1;
      text += wrap(plain(paragraph.join(' ')), width);
    }
  }
  return text;
}

/** What a page begins with: its first sentence. */
export function leadOf(page: string): string {
  const [, paragraph = ''] = page.split(/\n{2,}/);
  return /^.*?[.](?=\s|$)/s.exec(plain(paragraph).replace(/\s+/g, ' ').trim())?.[0] ?? '';
}

function takeWhile(lines: readonly string[], from: number, fits: (line: string) => boolean): string[] {
  const end = lines.findIndex((line, i) => i >= from && !fits(line));
  return lines.slice(from, end === -1 ? lines.length : end);
}

function tableAsText(rows: readonly string[], columns: number): string {
  const [head = [], , ...body] = rows.map((row) =>
    row
      .slice(1, row.lastIndexOf('|'))
      .split(/(?<!\\)\|/)
      .map((cell) => plain(cell.trim())),
  );
  return table(
    head.map((title) => ({ title: title.toUpperCase() })),
    body,
    columns,
  );
}

/** Without links, code marks and emphasis. */
function plain(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/`([^`]*)`/g, '$1')
    .replace(/\*\*([^*]*)\*\*/g, '$1')
    .replace(/\\\|/g, '|');
}
