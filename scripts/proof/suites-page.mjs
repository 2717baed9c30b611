// Writes one section of a page, between two comments that carry its name.
import fs from 'node:fs';

export function writeSection(page, name, lines) {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const section = [begin, ...lines, end].join('\n');
  const old = fs.existsSync(page) ? fs.readFileSync(page, 'utf8') : '# Proof\n';
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  const text =
    from < 0 ? `${old.trimEnd()}\n\n${section}\n` : old.slice(0, from) + section + old.slice(to + end.length);
  fs.writeFileSync(page, text);
}
