import http, { type ServerResponse } from 'node:http';
import httpProxy from 'http-proxy';
import type { Socket } from 'node:net';
import net from 'node:net';
import { CLOSE_WAIT, kernelRows } from '../../support/kernel-view.js';
import { testPairs } from '../../support/scenario.js';
import { get, post, type Stage } from '../../support/stage.js';
import { UPLOAD_BYTES } from '../../support/upload.js';
import { until } from '../../support/until.js';

interface Proxy {
  readonly port: number;
  readonly answered: ServerResponse[];
}

/** A proxy made with http-proxy; its errors go to `onError` with the answer they leave open. */
async function proxyTo(
  stage: Stage,
  upstream: number,
  onError: (response: ServerResponse) => void,
  onUpstream: (upstream: http.IncomingMessage, response: ServerResponse) => void = () => {},
): Promise<Proxy> {
  const proxy = httpProxy.createProxyServer({ target: `http://127.0.0.1:${upstream}`, agent: false });
  stage.defer(() => proxy.close());
  const answered: ServerResponse[] = [];
  proxy.on('error', (_error, _request, response) => onError(response as ServerResponse));
  proxy.on('proxyRes', (received, _request, response) => onUpstream(received, response));
  const server = http.createServer((request, response) => {
    answered.push(response);
    proxy.web(request, response);
  });
  return { port: await stage.listen(server), answered };
}

testPairs([
  {
    name: 'http-proxy: an upload whose upstream dies, and an error handler that only logs',
    leak: { kind: 'close-wait', side: 'inbound', cause: 'request-body-not-read', method: 'POST', route: '/upload' },
    play: async (stage, well) => {
      let upstreamSide: Socket | undefined;
      const upstream = await stage.listen(
        net.createServer({ pauseOnConnect: true }, (socket) => (upstreamSide = socket)),
      );
      let failed = false;
      const { port } = await proxyTo(stage, upstream, (response) => {
        failed = true;
        if (well) response.writeHead(502, { connection: 'close' }).end();
      });
      const client = await stage.connect(port);
      client.say(post('/upload', UPLOAD_BYTES).slice(0, 2_000));
      await until('the upstream connection', () => upstreamSide);
      upstreamSide!.resetAndDestroy();
      await until('the proxy to fail', () => failed);
      client.say('u'.repeat(UPLOAD_BYTES - 2_000));
      if (!well) await client.close();
      else client.socket.destroy();
      return port;
    },
  },
  {
    name: 'http-proxy: a proxied response whose client goes',
    leak: {
      ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
      ...{ framework: 'http-proxy', reason: 'destination-failed' },
    },
    play: async (stage, well) => {
      let sendRest: (() => void) | undefined;
      const upstream = await stage.listen(
        http.createServer((_request, response) => {
          response.setHeader('connection', 'close');
          response.write('start');
          sendRest = () => response.end(Buffer.alloc(150 * 1024));
        }),
      );
      const { port, answered } = await proxyTo(
        stage,
        upstream,
        () => {},
        (received, response) => {
          if (well) response.on('close', () => received.destroy());
        },
      );
      const client = await stage.connect(port);
      client.say(get('/film'));
      await until('the first bytes', () => client.text.includes('start'));
      await client.close();
      await until('the proxy to see it', () => answered[0]?.destroyed);
      sendRest!();
      await until('the upstream server to close', () =>
        kernelRows().every((row) => row.remotePort !== upstream || row.state === CLOSE_WAIT || row.inode === 0),
      );
      return upstream;
    },
  },
]);
