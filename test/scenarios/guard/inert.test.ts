import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { jsonOf, root, runModule } from '../../support/programs.js';

const { exports } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { exports: object };
/** These are there to act: a preload, and what only a test runner can load or is loaded for its tests. */
const acting = ['./register', './vitest', './jest', './node-test'];
const entries = Object.keys(exports).filter((entry) => !acting.includes(entry) && !entry.endsWith('.json'));

const WATCHER = `
  import { channel } from 'node:diagnostics_channel';
  import { readdirSync, readlinkSync } from 'node:fs';
  import { setImmediate as turn } from 'node:timers/promises';
  const loaded = [];
  // Node opens it by itself, when an error or a warning is near.
  void process.stderr;
  const { dlopen } = process;
  process.dlopen = (...args) => { loaded.push(args[1]); return dlopen.apply(process, args); };
  const look = () => ({
    fds: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().sort(),
    subscribed: ['net.server.socket', 'net.client.socket', 'http.server.request.start', 'undici:client:sendHeaders']
      .filter((name) => channel(name).hasSubscribers),
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    addons: process.report.getReport().sharedObjects.filter((file) => file.endsWith('.node')),
  });
  const before = look();
  const namespace = await import(ENTRY);
  await turn();
  console.log(JSON.stringify({ before, after: look(), loaded, exports: Object.keys(namespace) }));
`;

describe('import alone does nothing', () => {
  it('is tested for the entry points that people import', () => {
    expect(entries).toEqual(expect.arrayContaining(['.', './prometheus', './testing']));
  });

  it.each(entries)('close-wait-guard %s', async (entry) => {
    const specifier = path.posix.join('close-wait-guard', entry);
    const outcome = await runModule(WATCHER.replace('ENTRY', JSON.stringify(specifier)));
    const { before, after, loaded, exports: names } = jsonOf(outcome);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(names.length).toBeGreaterThan(0);
    expect(loaded).toEqual([]);
    expect(after).toEqual(before);
  });
});
