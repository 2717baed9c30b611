/**
 * NestJS on Fastify: the plugin, registered with the application.
 *
 *   npm install --no-save @nestjs/common@12 @nestjs/core@12 @nestjs/platform-fastify@12 reflect-metadata rxjs
 *   node examples/nest/fastify.mjs
 *   head -c 100000 /dev/zero | curl -m 1 -H 'Content-Type: application/octet-stream' --data-binary @- http://127.0.0.1:3000/photos/7
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import closeWaitGuard from 'close-wait-guard';
import { AppModule } from './photos.mjs';

const adapter = new FastifyAdapter();
const fastify = adapter.getInstance();
fastify.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
const app = await NestFactory.create(AppModule, adapter, { logger: ['error'] });
// 60 s by default; short here, so that you need not wait.
await app.register(closeWaitGuard, { closeWaitTimeout: 2_000 });
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`http://127.0.0.1:${app.getHttpServer().address().port}`);

fastify.closeWaitGuard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
