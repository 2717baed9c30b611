#!/usr/bin/env node
/** `npm start`: the demo's app, until it is stopped. PORT is where HTTP is served (3000); the raw servers take the ports after it. */
import { startApp, UPLOAD_BYTES } from './app.mjs';
import { bold, field, green, red, say, seconds, table, title, verbatim, yellow } from './print.mjs';

const CLOSE_WAIT_TIMEOUT = 5_000;

async function main() {
  const port = Number(process.env.PORT ?? 3000);
  // The raw servers need the three ports after it.
  if (!Number.isInteger(port) || port < 0 || port > 65_532) {
    console.error(`PORT is ${JSON.stringify(process.env.PORT)}; it takes a number from 0 (any free port) to 65532.`);
    return 2;
  }
  let app;
  try {
    app = await startApp({ port, closeWaitTimeout: CLOSE_WAIT_TIMEOUT, sampleInterval: 500 });
  } catch (error) {
    if (error.code !== 'EADDRINUSE' && error.code !== 'EACCES') throw error;
    console.error(`Cannot serve: ${error.message}. Set PORT to another number, or to 0 for any free port.`);
    return 1;
  }
  follow(app.guard);
  howTo(app);
  const signal = await new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await app.close();
  console.log(`\n${signal}: stopped, and every connection is closed.`);
  return 0;
}

function howTo({ guard, ports }) {
  const http = `http://127.0.0.1:${ports.http}`;
  title('close-wait-guard: an app that leaks, to scrape and to poke');
  table(
    ['server', 'listens on', ''],
    [
      ['http', http, `GET and PUT /items/7 are healthy, ${red('POST /items/7 leaks')}`],
      ['time', `127.0.0.1:${ports.time}`, 'healthy'],
      ['smtp', `127.0.0.1:${ports.smtp}`, red('leaks')],
      ['collector', `127.0.0.1:${ports.collector}`, red('leaks')],
    ],
  );
  say();
  const recipes = [
    [
      'Make it leak: each of these asks, gives up after a second, and leaves',
      `head -c ${UPLOAD_BYTES} /dev/zero | curl -m 1 -H 'Content-Type: application/octet-stream' --data-binary @- ${http}/items/7`,
      `curl -m 1 telnet://127.0.0.1:${ports.smtp}`,
      `echo orders.total 7 | curl -m 1 telnet://127.0.0.1:${ports.collector}`,
    ],
    [
      'The same upload to a handler that reads it: no leak',
      `head -c ${UPLOAD_BYTES} /dev/zero | curl -X PUT -H 'Content-Type: application/octet-stream' --data-binary @- ${http}/items/7`,
    ],
    ['Scrape it', `curl ${http}/metrics`],
    ['See the leaks as JSON', `curl ${http}/leaks`],
    ['Close them, as fixed handlers would', `curl -X DELETE ${http}/leaks`],
  ];
  for (const [what, ...commands] of recipes) {
    say(bold(`${what}:`));
    for (const command of commands) verbatim(command);
    say();
  }
  if (guard.supported) {
    say(
      `A leak is reported here once nothing has happened for ${seconds(CLOSE_WAIT_TIMEOUT)} after its client left (60 s unless you set it). Ctrl-C stops.`,
    );
  } else {
    say(red(`No leak will be found on this machine: ${guard.stats().unsupportedReason}.`));
  }
}

function follow(guard) {
  const whose = ({ method, route, server }) => (route === undefined ? server : `${method} ${route}`);
  guard.on('leak', (leak) => {
    say();
    field(
      red('LEAK'.padEnd(9)),
      `${yellow(whose(leak))}  ${leak.cause}  (fd ${leak.fd}, client port ${leak.remotePort})`,
    );
    field('what', leak.explanation);
    field('fix', green(leak.fix));
  });
  guard.on('released', (leak) => {
    say();
    field(
      green('CLOSED'.padEnd(9)),
      `${whose(leak)}  after ${seconds(leak.ageMs)}  (fd ${leak.fd}, client port ${leak.remotePort})`,
    );
  });
}

process.exitCode = await main();
