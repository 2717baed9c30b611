// Sockets that are sent to a child process, and what its report or its parent's tells to write.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

const inbound = { kind: 'close-wait', side: 'inbound' };
const kept = [];

/** A child that runs this function once it has said that it is there, and a server that sends it all its connections. */
async function childThat(runs, send) {
  const code = `process.send('up', ${runs});`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  kept.push(child);
  await once(child, 'message');
  return net.createServer({ pauseOnConnect: true }, (socket) => {
    socket.on('error', () => {});
    send(child, socket);
  });
}
const hello = (server) => server.visit('hello\n');

export default {
  'has-no-branch-for-the-message': {
    expect: { ...inbound, cause: 'never-read' },
    program: () =>
      childThat(
        () =>
          process.on('message', (message, socket) => {
            if (message === 'mail') socket.end('welcome\n');
          }),
        (child, socket) => child.send('news', socket),
      ),
    peer: hello,
    fix: [[`if (message === 'mail') socket.end('welcome\\n');`, 'socket.destroy();']],
    says: ['socket.destroy()'],
  },

  'is-too-busy-to-take-it': {
    expect: { ...inbound, cause: 'detached-handle' },
    program: () =>
      childThat(
        () => {
          process.on('message', (message, socket) => socket.resume().end(message));
          for (;;);
        },
        (child, socket) => child.send('news', socket),
      ),
    peer: hello,
    // What blocks the event loop.
    fix: [
      ['for (;;);', ''],
      [`child.send('news', socket)`, `child.send('news', socket, { keepOpen: true }, () => socket.destroy())`],
    ],
    says: [', socket, { keepOpen: true }, () => socket.destroy())'],
    healthy: (clients) => clients.converse('', 'news'),
  },
};
