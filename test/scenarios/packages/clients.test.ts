import axios from 'axios';
import got from 'got';
import http from 'node:http';
import type { Readable } from 'node:stream';
import { once } from 'node:events';
import https from 'node:https';
import { Agent, request } from 'undici';
import type { Framework } from '../../../src/base/vocabulary.js';
import type { LeakReport } from '../../../src/leaks/report.js';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testPairs } from '../../support/scenario.js';
import type { Stage } from '../../support/stage.js';
import { localhost } from '../../support/tls.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { until } from '../../support/until.js';

/** A response of a library that nobody has touched. */
function unread(framework: Framework): Partial<LeakReport> {
  const report = { kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' } as const;
  return { ...report, framework, reason: 'not-touched', takenBytes: 0 };
}
const KB = 1024;
/** More than node:http buffers by itself, and less than fills a receive window; undici and fetch buffer more. */
const ANSWER = UPLOAD_BYTES + 16 * KB;
/** What a careless program keeps: a response that is dropped may heal when it is collected. */
const kept: unknown[] = [];

function answerWith(bytes: number): http.RequestListener {
  return (_request, response) => {
    response.setHeader('connection', 'close');
    response.end(Buffer.alloc(bytes));
  };
}

/** The server has closed, and the client's end is half-closed; or it is closed as well. */
async function serverHasLeft(port: number): Promise<void> {
  await until('the server to close', () =>
    kernelRows().every((row) => row.remotePort !== port || row.state === CLOSE_WAIT || row.inode === 0),
  );
}

/** A server's address, and what a client has done with it by the time the server has left. */
async function asked(stage: Stage, bytes: number, ask: (url: string) => Promise<unknown>): Promise<number> {
  const port = await stage.listen(http.createServer(answerWith(bytes)));
  kept.push(await ask(`http://127.0.0.1:${port}/report?key=secret`));
  await serverHasLeft(port);
  return port;
}

testPairs([
  {
    name: 'undici: request() and its body',
    leak: unread('undici'),
    play: (stage, well) =>
      asked(stage, 220 * KB, async (url) => {
        const dispatcher = new Agent();
        stage.defer(() => dispatcher.destroy());
        const { body } = await request(url, { dispatcher });
        body.on('error', () => {});
        if (well) await body.dump({ limit: 1024 * KB });
        return body;
      }),
  },
  {
    name: 'fetch: a response and its body',
    leak: unread('fetch'),
    play: (stage, well) =>
      asked(stage, 170 * KB, async (url) => {
        const response = await fetch(url);
        if (well) await response.body?.cancel();
        return response;
      }),
  },
  {
    name: 'got: a stream',
    leak: unread('got'),
    play: (stage, well) =>
      asked(stage, ANSWER, async (url) => {
        const stream = got.stream(url, { retry: { limit: 0 } });
        stream.on('error', () => {});
        await once(stream, 'response');
        if (well) {
          stream.resume();
          await once(stream, 'end');
        }
        return stream;
      }),
  },
  {
    name: `axios: responseType 'stream'`,
    leak: unread('axios'),
    play: (stage, well) =>
      asked(stage, ANSWER, async (url) => {
        const { data } = await axios.get<Readable>(url, { responseType: 'stream' });
        data.on('error', () => {});
        if (well) data.destroy();
        return data;
      }),
  },
  {
    name: 'https: a response',
    leak: unread('http'),
    play: async (stage, well) => {
      const port = await stage.listen(https.createServer(localhost, answerWith(ANSWER)));
      const call = https.get({ port, host: '127.0.0.1', ca: localhost.cert, servername: 'localhost', agent: false });
      call.on('error', () => {});
      const [response] = (await once(call, 'response')) as [http.IncomingMessage];
      if (well) response.resume();
      kept.push(response);
      await serverHasLeft(port);
      return port;
    },
  },
]);
