// node-fetch 2 whose response is not taken to its end.
import http from 'node:http';
import fetch from 'node-fetch';
import { answersWith } from '../../corpus/lib/peers.mjs';

const kept = [];

export default {
  'throws-on-an-error-status': {
    expect: {
      ...{ kind: 'close-wait', side: 'outbound', cause: 'response-body-not-read', method: 'GET' },
      ...{ framework: 'node-fetch', reason: 'not-touched' },
    },
    upstream: (sizes) =>
      http.createServer((request, response) => {
        response.statusCode = 500;
        answersWith(sizes.abandonedBody)(request, response);
      }),
    async program({ upstream }) {
      const load = async () => {
        const response = await fetch(`http://127.0.0.1:${upstream}/v1/items`);
        kept.push(response);
        if (!response.ok) throw new Error(`status ${response.status}`);
        return response.json();
      };
      await load().catch((error) => kept.push(error));
    },
    fix: [['if (!response.ok)', 'if (!response.ok) response.body.resume();\n        if (!response.ok)']],
    says: ['response.body.resume()'],
  },
};
