/** A Markdown table: first column left, the others right. */
export function table(header, rows) {
  const rule = header.map((_, i) => (i === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function fixed(number, digits) {
  return number.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function range(low, high) {
  return low === high ? low : `${low} to ${high}`;
}

/** `text` with `section` between the markers; undefined when it has not both of them, in order, once. */
export function withSection(text, section, name = 'bench') {
  const [START, END] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`];
  const [before, rest, ...more] = text.split(START);
  const [old, after, ...others] = rest?.split(END) ?? [];
  if (old === undefined || after === undefined || more.length > 0 || others.length > 0) return undefined;
  return `${before}${START}\n\n${section.trim()}\n\n${END}${after}`;
}
