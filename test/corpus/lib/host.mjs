// The program under test: runs the `program` of one case, and tells the runner where it listens.
//   node --import <the guard> host.mjs <file of cases> <name of the case> <port of its upstream, or 0>
import { once } from 'node:events';

const [file, name, upstream] = process.argv.slice(2);
const { default: cases } = await import(file);
const server = await cases[name].program({ upstream: Number(upstream) });
if (server !== undefined && !server.listening) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}
process.send({ port: server?.address().port });
// A runner that has gone needs nothing any more.
process.on('disconnect', () => process.exit(0));
