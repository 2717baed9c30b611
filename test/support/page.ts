import http from 'node:http';
import type { SocketsPageOptions } from '../../src/index.js';
import { socketsPage, type Guard } from '../../src/index.js';
import type { SocketsPageData } from '../../src/page/data.js';
import type { Stage } from './stage.js';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly host?: string;
}

/** One request on a connection of its own, with the headers that are given. */
export function ask(port: number, question: Question = {}): Promise<Answer> {
  const { method = 'GET', path = '/debug/sockets', headers = {}, host = '127.0.0.1' } = question;
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    request.on('error', reject).end();
  });
}

export async function askForData(port: number, question: Question = {}): Promise<SocketsPageData> {
  const { status, body } = await ask(port, question);
  if (status !== 200) throw new Error(`${status}: ${body}`);
  return JSON.parse(body) as SocketsPageData;
}

/** A plain server whose every answer is the page. */
export function servePage(
  stage: Stage,
  guard: Guard,
  options: SocketsPageOptions = {},
  host?: string,
): Promise<number> {
  return stage.listen(http.createServer(socketsPage(guard, options)), host);
}
