import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonOf, root, runNode } from '../../support/programs.js';

/** The built package as another platform would have it: everything but the binary. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'close-wait-guard-no-binary-'));
  await cp(path.join(root, 'dist'), path.join(folder, 'dist'), { recursive: true });
  await cp(path.join(root, 'package.json'), path.join(folder, 'package.json'));
  await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(
    path.join(folder, 'app.mjs'),
    `import Fastify from 'fastify';
    import closeWaitGuard, { createGuard } from 'close-wait-guard';
    const warnings = [];
    process.on('warning', ({ name, code, message }) => warnings.push({ name, code, message }));
    const app = Fastify();
    await app.register(closeWaitGuard);
    const other = createGuard();
    other.watch(app.server, { name: 'web' })();
    const page = await app.inject('/metrics');
    const said = {
      supported: [app.closeWaitGuard.supported, other.supported],
      found: [...other.leaks(), ...other.sockets()],
      reason: other.stats().unsupportedReason,
      status: page.statusCode,
      body: page.body,
    };
    other.close();
    await app.close();
    setImmediate(() => console.log(JSON.stringify({ ...said, warnings })));`,
  );
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe('where the addon cannot be loaded', () => {
  it('the plugin registers and answers, finds nothing, and one warning says why', async () => {
    const { supported, found, reason, status, body, warnings } = jsonOf(await runNode([path.join(folder, 'app.mjs')]));
    expect(supported).toEqual([false, false]);
    expect(found).toEqual([]);
    expect(reason).toMatch(/^its native addon for \w+-\w+ could not be loaded \(there is no prebuilds/);
    expect(status).toBe(200);
    expect(body).toContain('close_wait_leaked_sockets');
    expect(warnings).toEqual([
      {
        name: 'CloseWaitGuardWarning',
        code: 'CWG_WARN_UNSUPPORTED',
        message: `close-wait-guard watches no sockets here: ${reason}. The application is not affected.`,
      },
    ]);
  });

  // The process says that it is another platform; the loader, and all above it, are the real ones.
  it.each([
    ['darwin', 'arm64', /^it reads Linux kernel state, and this is darwin-arm64$/],
    ['win32', 'x64', /^it reads Linux kernel state, and this is win32-x64$/],
    ['freebsd', 'x64', /^it reads Linux kernel state, and this is freebsd-x64$/],
    [
      'linux',
      'riscv64',
      /^its native addon for linux-riscv64 could not be loaded \(there is no prebuilds\/linux-riscv64 in /,
    ],
  ])('on %s-%s all of that holds, and the reason says so', async (platform, arch, expected) => {
    const double = `for (const [name, value] of [['platform', '${platform}'], ['arch', '${arch}']]) Object.defineProperty(process, name, { value });`;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(double)}`];
    const app = jsonOf(await runNode([...args, path.join(folder, 'app.mjs')]));
    expect(app).toMatchObject({
      supported: [false, false],
      found: [],
      status: 200,
      reason: expect.stringMatching(expected),
    });
    expect(app.warnings).toEqual([expect.objectContaining({ code: 'CWG_WARN_UNSUPPORTED' })]);
    const preload = ['--import', path.join(folder, 'dist/register.js'), '-p', '6 * 7'];
    const { code, stdout, stderr } = await runNode([...args, ...preload]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
    expect(stderr.match(/CWG_WARN_UNSUPPORTED/g)).toHaveLength(1);
  });

  it('the preload lets the program run', async () => {
    const preload = path.join(folder, 'dist/register.js');
    const { code, stdout, stderr } = await runNode(['--import', preload, '-p', '6 * 7']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' });
    expect(stderr.match(/CWG_WARN_UNSUPPORTED/g)).toHaveLength(1);
  });
});
