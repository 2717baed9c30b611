import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { environmentOfAUser, root, runModule } from '../../../support/programs.js';

/** Runs a program with stderr on a new terminal of 70 columns; what that got goes to stdout. */
const IN_TERMINAL = `
import fcntl, os, struct, subprocess, sys, termios
master, slave = os.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 70, 0, 0))
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave)
os.close(slave)
while True:
    try:
        taken = os.read(master, 65536)
    except OSError:
        break
    if not taken:
        break
    os.write(1, taken)
child.wait()`;

/** An audit of two routes that leak, one after the other, and one that does not. */
const auditFor = (options: string): string => `
  import Fastify from 'fastify';
  import { auditRoutes } from 'close-wait-guard/testing';
  const app = Fastify();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.post('/photos', () => new Promise(() => {}));
  app.post('/videos', () => new Promise(() => {}));
  app.get('/ok', async () => 'ok');
  await auditRoutes(app, { concurrency: 1, moments: ['connect', 'request'], ${options} });
  await app.close();`;

async function shownFor(options: string): Promise<string> {
  const child = spawn(
    'python3',
    ['-c', IN_TERMINAL, process.execPath, '--input-type=module', '--eval', auditFor(options)],
    { cwd: root, env: environmentOfAUser(), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let shown = '';
  child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
  await new Promise((resolve) => child.on('close', resolve));
  return shown;
}

const SLOW = 'deadlineMs: 800';
const START_OF_LINE = '\r\u001b[2K';

describe('an audit on a terminal', () => {
  it('shows where it is when it takes longer than a second, and leaves nothing behind', async () => {
    const shown = await shownFor(SLOW);
    const lines = shown.split(START_OF_LINE);
    expect(lines[0]).toBe('');
    expect(lines.at(-1)).toBe('');
    expect(lines.slice(1, -1).length).toBeGreaterThan(0);
    for (const line of lines.slice(1, -1)) {
      expect(line).toMatch(/^close-wait-guard: route \d of 3( \([^)]*\))?, (no leak so far|leaks so far: POST \/ph)/);
      expect(line.length).toBeLessThan(70);
      expect(line).not.toContain('\n');
    }
    expect(lines).toContain('close-wait-guard: route 1 of 3 (POST /photos), leaks so far: POST /ph');
  });

  it('shows nothing when it is over by then', async () => {
    expect(await shownFor(`filter: ({ url }) => url === '/ok'`)).toBe('');
  });

  it('shows nothing on a pipe', async () => {
    expect(await runModule(auditFor(SLOW))).toMatchObject({ code: 0, stderr: '', stdout: '' });
  });
});
