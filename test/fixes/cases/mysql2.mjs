// mysql2 whose query's stream is paused.
import mysql from 'mysql2';

const kept = [];

/** A server of one query: rows, and then it leaves. */
function upstream() {
  const server = mysql.createServer();
  server.on('connection', (connection) => {
    connection.on('error', () => {});
    connection.serverHandshake({
      ...{ protocolVersion: 10, serverVersion: '8.0', connectionId: 1, statusFlags: 2, characterSet: 8 },
      capabilityFlags: 0xffffff ^ 2048,
      authCallback: (_params, callback) => callback(null),
    });
    connection.on('query', () => {
      const column = { catalog: 'def', schema: 's', table: 't', orgTable: 't', name: 'c', orgName: 'c' };
      const kind = { characterSet: 33, columnLength: 384, columnType: 253, flags: 0, decimals: 0 };
      const rows = Array.from({ length: 1_000 }, () => ({ c: 'x'.repeat(100) }));
      // Behind the packet of the query.
      connection.sequenceId = 1;
      connection.writeTextResult(rows, [{ ...column, ...kind }]);
      connection.stream.end();
    });
  });
  return server._server;
}

export default {
  'a-query-is-streamed-and-paused': {
    expect: { kind: 'close-wait', side: 'outbound', cause: 'paused', framework: 'mysql2' },
    upstream,
    program({ upstream }) {
      const connection = mysql.createConnection({ host: '127.0.0.1', port: upstream, user: 'u' });
      connection.on('error', (error) => kept.push(error));
      const stream = connection.query('SELECT c FROM t').stream();
      kept.push(connection, stream);
      stream.on('error', (error) => kept.push(error));
      stream.once('data', () => {
        stream.pause();
      });
    },
    fix: [['stream.pause();', 'stream.pause(); setTimeout(() => stream.resume(), 1_000);']],
    says: ['resume()'],
  },
};
