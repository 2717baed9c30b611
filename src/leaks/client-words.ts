import { awsSdk } from '../apis/aws-sdk.js';
import { axiosError } from '../apis/axios-error.js';
import { axios } from '../apis/axios.js';
import { fetchReader } from '../apis/fetch-reader.js';
import { fetchRedirect } from '../apis/fetch-redirect.js';
import { fetch } from '../apis/fetch.js';
import { got } from '../apis/got.js';
import { httpClient } from '../apis/http-client.js';
import { httpProxy } from '../apis/http-proxy.js';
import { ioredis } from '../apis/ioredis.js';
import { mqtt } from '../apis/mqtt.js';
import { mysql2 } from '../apis/mysql2.js';
import { nodeFetch2 } from '../apis/node-fetch-2.js';
import { nodeFetch } from '../apis/node-fetch.js';
import { pg } from '../apis/pg.js';
import { undiciPipeline } from '../apis/undici-pipeline.js';
import { undiciStream } from '../apis/undici-stream.js';
import { undici } from '../apis/undici.js';
import { unknownClient } from '../apis/unknown-client.js';
import type { ApiWords } from '../apis/words.js';
import type { LeakFacts } from './facts.js';

type ClientFacts = Pick<LeakFacts, 'client' | 'reading'>;

/** The words of the library that made a request. */
export function clientWords(facts: ClientFacts): ApiWords {
  const { library, api, status = 0 } = facts.client ?? {};
  switch (library) {
    case 'http':
      return httpClient;
    case 'http-proxy':
      return httpProxy;
    case 'axios':
      return isErrorForAxios(status) ? axiosError : axios;
    case 'got':
      return got;
    case 'node-fetch':
      return api === 'node-fetch 2' ? nodeFetch2 : nodeFetch;
    case 'aws-sdk':
      return awsSdk;
    case 'fetch':
      return fetchWords(facts);
    case 'undici':
      return api === 'stream' ? undiciStream : api === 'pipeline' ? undiciPipeline : undici;
    default:
      return unknownClient;
  }
}

/** The words of the library whose connection it is; undefined for those of node:net. */
export function connectionWords({ client }: ClientFacts): ApiWords | undefined {
  switch (client?.library) {
    case 'mysql2':
      return mysql2;
    case 'pg':
      return pg;
    case 'ioredis':
      return ioredis;
    case 'mqtt':
      return mqtt;
    default:
      return undefined;
  }
}

/** Whether fetch() has taken a redirect, and left its body. */
export function isRedirect({ client }: ClientFacts): boolean {
  const status = client?.status ?? 0;
  return client?.library === 'fetch' && status >= 301 && status <= 308 && status !== 304;
}

function fetchWords(facts: ClientFacts): ApiWords {
  const how = facts.reading?.how;
  if (how === 'iterator-stopped' || how === 'readable-left') return fetchReader;
  return isRedirect(facts) ? fetchRedirect : fetch;
}

/** Its `validateStatus`, where it was not given another one. */
function isErrorForAxios(status: number): boolean {
  return status !== 0 && (status < 200 || status >= 300);
}
