// Reads and writes one section of a page, between two comments that carry its name.
import fs from 'node:fs';

const marksOf = (name) => [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];

/** @returns what the section holds, or nothing where the page has none */
export function sectionOf(page, name) {
  const text = fs.existsSync(page) ? fs.readFileSync(page, 'utf8') : '';
  const [begin, end] = marksOf(name);
  const from = text.indexOf(begin);
  return from < 0 ? '' : text.slice(from, text.indexOf(end));
}

export function writeSection(page, name, lines) {
  const [begin, end] = marksOf(name);
  const section = [begin, ...lines, end].join('\n');
  const old = fs.existsSync(page) ? fs.readFileSync(page, 'utf8') : '# Proof\n';
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  const text =
    from < 0 ? `${old.trimEnd()}\n\n${section}\n` : old.slice(0, from) + section + old.slice(to + end.length);
  fs.writeFileSync(page, text);
}
