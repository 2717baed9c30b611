import { safeText } from '../../base/escape.js';

/** One column of a table. */
export interface Column {
  readonly title: string;
  /** Numbers stand on the right. */
  readonly align?: 'right';
  /** May be cut (with `…`) where the terminal is too narrow. Where several may, the widest is cut first. */
  readonly cut?: true;
}

const GAP = 2;
/** A column that is cut keeps so many characters. */
const LEAST = 8;

/**
 * A table as text, each row a line that ends in a line feed. Cells are made safe for a terminal here (control characters
 * would be the terminal's to obey), so hand them over as they are.
 * @param columns how wide a line may be; Infinity for no limit
 */
export function table(head: readonly Column[], rows: readonly (readonly string[])[], columns: number): string {
  const cells = [head.map(({ title }) => title), ...rows].map((row) => head.map((_, i) => safeText(row[i] ?? '')));
  const widths = head.map((_, i) => Math.max(...cells.map((row) => lengthOf(row[i]!))));
  narrow(widths, head, columns);
  return cells
    .map((row) =>
      row
        .map((cell, i) => pad(cell, widths[i]!, head[i]!.align === 'right'))
        .join(' '.repeat(GAP))
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** A text in lines of at most `columns` characters, each after `indent`; words that are longer stand alone. */
export function wrap(text: string, columns: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of safeText(text).split(/\s+/)) {
    if (line !== '' && lengthOf(indent) + lengthOf(line) + 1 + lengthOf(word) > columns) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines
    .map((each) => `${indent}${each}`.trimEnd())
    .map((each) => `${each}\n`)
    .join('');
}

function narrow(widths: number[], head: readonly Column[], columns: number): void {
  let over = widths.reduce((sum, width) => sum + width, GAP * (widths.length - 1)) - columns;
  while (over > 0) {
    let widest: number | undefined;
    for (const [i, { cut }] of head.entries()) {
      if (cut && widths[i]! > Math.max(LEAST, widths[widest ?? -1] ?? 0)) widest = i;
    }
    if (widest === undefined) return;
    widths[widest]!--;
    over--;
  }
}

function pad(cell: string, width: number, right: boolean): string {
  const characters = Array.from(cell);
  const text = characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : cell;
  const space = ' '.repeat(Math.max(0, width - characters.length));
  return right ? space + text : text + space;
}

/** In code points: what stands in these tables is next to all ASCII. */
const lengthOf = (text: string): number => Array.from(text).length;
