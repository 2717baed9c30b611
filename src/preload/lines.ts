import type { Socket } from 'node:net';

/** No page of metrics has a longer line: the connection is ended. */
const MAX_LENGTH = 16 * 1024 * 1024;

export function eachLine(socket: Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LENGTH) socket.destroy();
    for (const line of lines) if (!socket.destroyed) onLine(line);
  });
}
