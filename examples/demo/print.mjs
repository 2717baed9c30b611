/** Everything the demo prints goes through here: plain text, aligned, colours on a terminal only (https://no-color.org). */
import { stripVTControlCharacters } from 'node:util';

const WIDTH = 110;
const INDENT = '   ';
const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;

const paint = (code) => (text) => (colours && text !== '' ? `\x1b[${code}m${text}\x1b[0m` : text);
export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

// `npm run demo | head` closes the pipe early: that is the reader's wish, not a failure.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

export function title(text) {
  console.log(`\n${bold(text)}\n${'='.repeat(text.length)}\n`);
}

/** @param {number} number @param {string} text */
export function chapter(number, text) {
  console.log(`\n${bold(`${number}. ${text}`)}\n`);
}

/** A paragraph, wrapped. */
export function say(text = '', indent = INDENT) {
  console.log(wrap(text, indent).join('\n').trimEnd());
}

/** What this machine cannot show, and why: one line, not wrapped, that a script can look for. */
export function notShown(what, why) {
  console.log(yellow(`NOT SHOWN: ${what}: ${why}`));
}

/** A line as it is: output of a tool, a command to type. */
export function verbatim(text) {
  console.log(`${INDENT}  ${text}`);
}

/** `label   text`, the text wrapped beside its label. */
export function field(label, text, indent = INDENT) {
  const head = `${indent}${label.padEnd(9)} `;
  const [first = '', ...rest] = wrap(text, ' '.repeat(head.length));
  console.log([head + first.trimStart(), ...rest].join('\n'));
}

/**
 * Columns as wide as their widest cell; a title that starts with '>' is aligned to the right.
 * @param {readonly string[]} titles
 * @param {readonly (readonly (string | number)[])[]} rows
 */
export function table(titles, rows, indent = INDENT) {
  const right = titles.map((name) => name.startsWith('>'));
  const cells = [titles.map((name) => dim(name.replace(/^>/, ''))), ...rows.map((row) => row.map(String))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column] ?? ''))));
  for (const row of cells) {
    const padded = row.map((cell, column) => {
      const space = ' '.repeat(widths[column] - lengthOf(cell));
      return right[column] ? space + cell : cell + space;
    });
    console.log((indent + padded.join('  ')).trimEnd());
  }
}

export const count = (number) => number.toLocaleString('en-US');
export const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;
/** @param {number} number @param {string} one @param {string} many */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

const lengthOf = (text) => stripVTControlCharacters(text).length;

function wrap(text, indent) {
  const lines = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + lengthOf(line) + 1 + lengthOf(word) > WIDTH) {
      lines.push(indent + line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(indent + line);
  return lines;
}
