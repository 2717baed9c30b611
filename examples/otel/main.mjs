/**
 * Runs app.mjs with the packages of OpenTelemetry, which it installs first (into test/apis): SDK 3, or SDK 2 on a Node that is too old for it.
 *
 *   npm run demo:otel              SDK 3 on Node 22.15 and later, SDK 2 before
 *   npm run demo:otel -- --sdk 2
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installApi } from '../../scripts/install-apis.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
const newest = major > 22 || (major === 22 && minor >= 15) ? '3' : '2';
const { sdk } = parseArgs({ options: { sdk: { type: 'string', default: newest } } }).values;
if (sdk !== '2' && sdk !== '3') {
  console.error(`--sdk is ${JSON.stringify(sdk)}; it takes 2 or 3`);
  process.exit(2);
}

// Beside the packages, so that they are found.
const scratch = path.join(installApi(`otel-${sdk}`), '.scratch');
fs.mkdirSync(scratch, { recursive: true });
const folder = fs.mkdtempSync(path.join(scratch, 'demo-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
for (const part of ['demo', 'otel'])
  fs.cpSync(path.join(import.meta.dirname, '..', part), path.join(folder, part), { recursive: true });

const child = spawn(process.execPath, [path.join(folder, 'otel/app.mjs')], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => (process.exitCode = code ?? 1));
