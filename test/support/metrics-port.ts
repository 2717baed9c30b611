import http from 'node:http';
import net from 'node:net';
import { kernelRows, LISTEN } from './kernel-view.js';
import type { Stage } from './stage.js';
import { until } from './until.js';

export async function freePort(stage: Stage): Promise<number> {
  const server = net.createServer();
  const port = await stage.listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The program does not wait for its page. */
export async function listening(port: number): Promise<void> {
  await until('the metrics port to be open', () =>
    kernelRows().some(({ localPort, state }) => localPort === port && state === LISTEN),
  );
}

export interface Page {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

export function request(port: number, path = '/metrics'): Promise<Page> {
  return new Promise((resolve, reject) => {
    const sent = http.get({ port, path, host: '127.0.0.1', agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'], body }));
    });
    sent.on('error', reject);
  });
}
