import 'reflect-metadata';
import { Controller, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

class PhotosController {
  async upload(request, reply) {
    // The fix goes here.
    await new Promise(() => {});
  }
}
// As decorators, which plain JavaScript does not have.
Controller('albums/:album')(PhotosController);
Post('photos/:id')(
  PhotosController.prototype,
  'upload',
  Object.getOwnPropertyDescriptor(PhotosController.prototype, 'upload'),
);
Req()(PhotosController.prototype, 'upload', 0);
Res()(PhotosController.prototype, 'upload', 1);
class AppModule {}
Module({ controllers: [PhotosController] })(AppModule);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
app
  .getHttpAdapter()
  .getInstance()
  .addContentTypeParser('*', (_request, payload, done) => done(null, payload));
app.setGlobalPrefix('api');
await app.listen(0, '127.0.0.1');
console.log(`port ${app.getHttpServer().address().port}`);
