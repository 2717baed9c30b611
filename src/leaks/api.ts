import { express } from '../apis/express.js';
import { fastify } from '../apis/fastify.js';
import { hapi } from '../apis/hapi.js';
import { hono } from '../apis/hono.js';
import { http } from '../apis/http.js';
import { http2 } from '../apis/http2.js';
import { httpProxy } from '../apis/http-proxy.js';
import { koa } from '../apis/koa.js';
import { net } from '../apis/net.js';
import type { ApiWords } from '../apis/words.js';
import { restify } from '../apis/restify.js';
import { ws } from '../apis/ws.js';
import type { Framework } from '../base/vocabulary.js';
import { clientWords, connectionWords } from './client-words.js';
import type { LeakFacts } from './facts.js';

/** Frameworks whose `req` and `res` are those of node:http have its words. */
const SERVERS: Partial<Record<Framework, ApiWords>> = { express, fastify, hapi, hono, koa, restify };

/**
 * The words of the API that the leak's code is written against, as far as the facts tell it: otherwise those of the API that
 * it stands on.
 */
export function wordsFor(facts: Pick<LeakFacts, 'framework' | 'stream' | 'client' | 'reading'>): ApiWords {
  const { stream } = facts;
  if (stream?.webSocket) return ws;
  if (stream?.http?.moreStreams !== undefined) return http2;
  switch (stream?.http?.role) {
    case 'server':
      return serverWords(facts);
    case 'client':
      return clientWords(facts);
    default:
      return connectionWords(facts) ?? net;
  }
}

function serverWords({ framework, reading }: Pick<LeakFacts, 'framework' | 'reading'>): ApiWords {
  const words = (framework && SERVERS[framework]) ?? http;
  const waitsFor = reading?.waitsFor;
  const byProxy = waitsFor?.kind === 'request' && waitsFor.library === 'http-proxy';
  return byProxy ? { ...words, limitUpstream: httpProxy.limitUpstream } : words;
}
