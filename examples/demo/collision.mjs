/**
 * The incident, inside a network namespace (see namespace.mjs): the client's end of a leaked connection has expired, and a
 * new client gets the same port. First as this kernel is, then with RSTs dropped, then with a guard that reclaims.
 */
import { spawnSync } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { startApp } from './app.mjs';
import { check, NotTrue } from './check.mjs';
import { asItIs, withResetsDropped } from './incident.mjs';
import { PORT } from './port-pair.mjs';
import { green, notShown, red, say, title } from './print.mjs';
import { withReclaim } from './reclaim.mjs';

const CLOSE_WAIT_TIMEOUT = 1_000;
const SAMPLE_INTERVAL = 100;
const FIN_TIMEOUT = '/proc/sys/net/ipv4/tcp_fin_timeout';
/** The whole story takes about 12 s. */
const DEADLINE_MS = 27_000;

async function main(outside) {
  if (outside === undefined || readlinkSync('/proc/self/ns/net') === outside) {
    console.error(
      'This sets kernel parameters and packet filters, so it runs in a network namespace of its own only: npm run demo -- --collision',
    );
    return 2;
  }
  setTimeout(() => {
    console.error(red(`The collision did not end within ${DEADLINE_MS / 1000} s.`));
    process.exit(1);
  }, DEADLINE_MS).unref();
  const up = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  check(up.status === 0, '`ip link set lo up` works', up.stderr);
  try {
    writeFileSync(FIN_TIMEOUT, '1');
  } catch (error) {
    notShown(
      'the collision',
      `net.ipv4.tcp_fin_timeout cannot be set to 1 (${error.message}): containers mount /proc/sys read-only, run it outside of them.`,
    );
    return 0;
  }
  title('close-wait-guard: a new client gets the port of a leaked connection');
  say(
    `All of this happens in a network namespace of its own, where net.ipv4.tcp_fin_timeout is 1 s instead of 60 s. ` +
      `The server is the demo's on port ${PORT}, whose POST /items/:id leaks. closeWaitTimeout is ${CLOSE_WAIT_TIMEOUT / 1000} s.`,
    '',
  );
  const lockedOut = await withApp({}, async (app) => {
    await asItIs(app);
    return withResetsDropped(app);
  });
  if (lockedOut) await withApp({ reclaim: true }, (app) => withReclaim(app, lockedOut));
  say();
  say(
    `${green('Done:')} a leaked socket is not only a lost fd. ` +
      (lockedOut
        ? 'It hides once its port pair is used again, and behind a firewall that drops RSTs it locks the client out. ' +
          'A guard with `reclaim` ends it, and the client gets in.'
        : 'It hides once its port pair is used again.'),
    '',
  );
  return 0;
}

async function withApp(options, act) {
  const app = await startApp({
    port: PORT,
    closeWaitTimeout: CLOSE_WAIT_TIMEOUT,
    sampleInterval: SAMPLE_INTERVAL,
    ...options,
  });
  try {
    return await act(app);
  } finally {
    await app.close();
  }
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  if (!(error instanceof NotTrue)) throw error;
  console.error(`\n${red('NOT TRUE HERE:')} ${error.message}`);
  // At once: the clients' process may still be there, and would keep this one waiting.
  process.exit(1);
}
