// What nest-express.mjs and nest-fastify.mjs run.
import 'reflect-metadata';
import { Controller, Module, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

class PhotosController {
  async upload(req, res) {
    // Fixes speak of those of Fastify by these names.
    const [request, reply] = [req, res];
    // The fix goes here.
    await new Promise(() => [request, reply]);
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

/** @param adapter Nest's own, for Express, where there is none */
export async function run(adapter) {
  const app = await NestFactory.create(AppModule, ...(adapter ? [adapter] : []), { logger: false });
  app.setGlobalPrefix('api');
  await app.listen(0, '127.0.0.1');
  console.log(`port ${app.getHttpServer().address().port}`);
}
