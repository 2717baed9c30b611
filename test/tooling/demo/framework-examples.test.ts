import { execFile, type ChildProcess } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { CLOSE_WAIT, kernelRow } from '../../support/kernel-view.js';
import { root, spawnNode } from '../../support/programs.js';
import { post, Stage } from '../../support/stage.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

/** `npm run proof` sets it: the packages are many, and npm has to be reached for them. */
const all = process.env.CLOSE_WAIT_GUARD_TEST_APIS === '1';

interface Example {
  readonly program: string;
  /** Folder of test/apis; none where its packages are the checkout's own. */
  readonly api?: string;
  readonly prefix?: string;
  /** As the report has it. */
  readonly route: string;
}

const examples: readonly Example[] = [
  { program: 'express.mjs', route: '/photos/:id' },
  { program: 'koa.mjs', api: 'koa', route: '/photos/:id' },
  { program: 'hapi.mjs', api: 'hapi', route: '/photos/{id}' },
  { program: 'hono.mjs', api: 'hono', route: '/photos/:id' },
  { program: 'nest/express.mjs', api: 'nest', route: '/photos/:id' },
  { program: 'nest/fastify.mjs', api: 'nest', route: '/photos/:id' },
  { program: 'next/server.mjs', api: 'next', prefix: '/api', route: '/api/photos/[id]' },
];

const children: ChildProcess[] = [];
const folders: string[] = [];
const stage = new Stage();
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  await stage.clear();
});

/** Where its packages are found: the example as it is, or a copy beside them. */
async function placed({ program, api }: Example): Promise<string> {
  const example = path.join(root, 'examples', program);
  if (api === undefined) return example;
  await promisify(execFile)(process.execPath, [path.join(root, 'scripts/install-apis.mjs'), api]);
  const scratch = path.join(root, 'test/apis', api, '.scratch');
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(path.join(scratch, 'example-'));
  folders.push(folder);
  const [first = ''] = program.split('/');
  cpSync(path.join(root, 'examples', first), path.join(folder, first), { recursive: true });
  return path.join(folder, program);
}

describe('an example of each framework leaks, is named, and is well where it is done well', () => {
  it.for(examples)('$program', { timeout: 150_000 }, async (example, { skip }) => {
    skip(example.api !== undefined && !all, 'its packages are installed for `npm run proof` alone');
    const child = spawnNode([await placed(example)], { PORT: '0', NEXT_TELEMETRY_DISABLED: '1' }, 100_000);
    children.push(child);
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += String(chunk)));
    const port = Number(await until('it to listen', () => /^http:.*:(\d+)$/m.exec(text)?.[1], { timeoutMs: 60_000 }));
    const { prefix = '', route } = example;
    const well = await stage.connect(port);
    well.say(post(`${prefix}/thumbnails/7`, UPLOAD_BYTES));
    await until('the response', () => well.text.includes(`"bytes":${UPLOAD_BYTES}`), { timeoutMs: 30_000 });
    await well.close();
    await until('its connection to be gone', () => (kernelRow(port, well.port)?.inode ?? 0) === 0);

    const client = await stage.visit(port, post(`${prefix}/photos/7`, UPLOAD_BYTES));
    await until('the leak', () => text.includes('leaked: '), { timeoutMs: 20_000 });
    expect(text).toContain(`POST ${route} `);
    expect(text.match(/leaked: /g)).toHaveLength(1);
    expect(kernelRow(port, client.port)?.state).toBe(CLOSE_WAIT);
  });
});
