import { FastifyAdapter } from '@nestjs/platform-fastify';
import { run } from './nest.mjs';

const adapter = new FastifyAdapter();
// Bodies stay streams.
adapter.getInstance().addContentTypeParser('*', (_request, payload, done) => done(null, payload));
await run(adapter);
