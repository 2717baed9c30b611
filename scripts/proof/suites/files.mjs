import fs from 'node:fs';
import path from 'node:path';

/** The files below a folder that match one of the patterns and none of `except`. Knows `**`, `*` and `{a,b}`. */
export function filesOf(folder, patterns, except = []) {
  const [take, leave] = [patterns.map(toRegExp), except.map(toRegExp)];
  const found = [];
  const walk = (relative) => {
    for (const entry of fs.readdirSync(path.join(folder, relative), { withFileTypes: true })) {
      const name = path.posix.join(relative, entry.name);
      if (entry.name === 'node_modules' || entry.name === '.git') continue;
      if (entry.isDirectory()) walk(name);
      else if (take.some((one) => one.test(name)) && !leave.some((one) => one.test(name))) found.push(name);
    }
  };
  walk('');
  return found.sort();
}

function toRegExp(pattern) {
  const source = pattern.replaceAll(/\*\*\/|\*|\{[^}]*\}|[.+?^$()|[\]\\]/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '*') return '[^/]*';
    if (part.startsWith('{')) return `(?:${part.slice(1, -1).replaceAll('.', '\\.').replaceAll(',', '|')})`;
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`);
}
