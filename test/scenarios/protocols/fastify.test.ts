import Fastify, { type FastifyInstance } from 'fastify';
import { describe } from 'vitest';
import closeWaitGuard from '../../../src/index.js';
import { QUICK } from '../../support/reports.js';
import { testScenarios, type Scene } from '../../support/scenario.js';
import { post, type Stage } from '../../support/stage.js';
import { listenApp } from '../../support/fastify-app.js';
import { until } from '../../support/until.js';
import { UPLOAD_BYTES } from '../../support/upload.js';

const inbound = { kind: 'close-wait', side: 'inbound', method: 'POST' } as const;

/** An application that takes any body as a stream, as one for uploads does. */
async function application(stage: Stage, routes: (app: FastifyInstance) => void): Promise<Scene> {
  const app = Fastify({ bodyLimit: 1e9 });
  await app.register(closeWaitGuard, { ...QUICK, metrics: false });
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  routes(app);
  return { port: await listenApp(stage, app), guard: app.closeWaitGuard };
}

describe('a Fastify application leaks a socket when', () => {
  testScenarios([
    {
      name: 'a POST handler hijacks the reply and never ends it',
      expect: { leak: { ...inbound, cause: 'request-body-not-read', route: '/events' } },
      play: async (stage) => {
        const scene = await application(stage, (app) =>
          app.post('/events', async (_request, reply) => {
            reply.hijack();
            reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
            reply.raw.write('data: hi\n\n');
          }),
        );
        const client = await stage.connect(scene.port);
        client.say(post('/events', UPLOAD_BYTES));
        await until('the first event', () => client.text.includes('data: hi'));
        await client.close();
        return { ...scene, unread: UPLOAD_BYTES };
      },
    },
    {
      name: 'a handler awaits something that never comes and has not read its body',
      expect: { leak: { ...inbound, cause: 'request-body-not-read', route: '/items/:id' } },
      play: async (stage) => {
        const scene = await application(stage, (app) => app.post('/items/:id', () => new Promise(() => {})));
        await stage.visit(scene.port, post('/items/7?q=secret', UPLOAD_BYTES));
        return { ...scene, unread: UPLOAD_BYTES };
      },
    },
  ]);
});
