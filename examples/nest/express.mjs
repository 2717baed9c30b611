/**
 * NestJS on Express: watch the application's HTTP server. Routes are read from Express.
 *
 *   npm install --no-save @nestjs/common@12 @nestjs/core@12 @nestjs/platform-express@12 reflect-metadata rxjs
 *   node examples/nest/express.mjs
 *   head -c 100000 /dev/zero | curl -m 1 -H 'Content-Type: application/octet-stream' --data-binary @- http://127.0.0.1:3000/photos/7
 *
 * The same upload to /thumbnails/7 leaks nothing. (150000 bytes on Node 22 and later, see README.md.)
 */
import { NestFactory } from '@nestjs/core';
import { createGuard } from 'close-wait-guard';
import { AppModule } from './photos.mjs';

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1');
console.log(`http://127.0.0.1:${app.getHttpServer().address().port}`);

const guard = createGuard({ closeWaitTimeout: 2_000 }); // 60 s by default; short here, so that you need not wait
guard.watch(app.getHttpServer(), { name: 'shop' });
guard.on('leak', (leak) => {
  console.log(`leaked: ${leak.explanation}\nfix:    ${leak.fix}`);
});
