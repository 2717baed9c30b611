/**
 * Writes monitoring/rules.yml, monitoring/dashboard.json and the tables of docs/metrics.md and docs/otel.md from one description: the
 * families of dist/metrics/families.js, the alerts and the panels beside this file.
 *
 *   npm run monitoring            writes them
 *   npm run monitoring -- --check exits with 1 where a file is not what would be written
 */
import fs from 'node:fs';
import path from 'node:path';
import { dashboardJson } from './dashboard.mjs';
import { metricsTable } from './metrics-table.mjs';
import { otelTable } from './otel-table.mjs';
import { rulesYaml } from './rules.mjs';

const root = path.join(import.meta.dirname, '../..');
const files = {
  'monitoring/rules.yml': rulesYaml,
  'monitoring/dashboard.json': dashboardJson,
  'docs/metrics.md': () => withTable('docs/metrics.md', metricsTable()),
  'docs/otel.md': () => withTable('docs/otel.md', otelTable()),
};

for (const [name, make] of Object.entries(files)) {
  const file = path.join(root, name);
  const text = make();
  if (!process.argv.includes('--check')) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  } else if (!fs.existsSync(file) || fs.readFileSync(file, 'utf8') !== text) {
    console.error(`${name} is not what scripts/monitoring/ says: npm run monitoring`);
    process.exitCode = 1;
  }
}

function withTable(name, table) {
  const page = fs.readFileSync(path.join(root, name), 'utf8');
  const [before, after] = ['<!-- metrics:start -->', '<!-- metrics:end -->'].map((mark) => page.indexOf(mark));
  if (before === -1 || after === -1) throw new Error(`${name} has no <!-- metrics:start --> ... <!-- metrics:end -->`);
  return `${page.slice(0, before)}<!-- metrics:start -->\n${table}\n${page.slice(after)}`;
}
