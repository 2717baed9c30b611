/** The module that express.mjs and fastify.mjs run. */
import 'reflect-metadata';
import { Controller, Module, Post, Req } from '@nestjs/common';

class PhotosController {
  async photo() {
    // The bug: the body is not read, and this never settles.
    await new Promise(() => {});
  }

  async thumbnail(request) {
    let bytes = 0;
    // On Fastify it is below the request.
    for await (const chunk of request.raw ?? request) bytes += chunk.length;
    return { id: request.params.id, bytes };
  }
}

// What decorators do, which plain JavaScript does not have.
const methodOf = (name) => [
  PhotosController.prototype,
  name,
  Object.getOwnPropertyDescriptor(PhotosController.prototype, name),
];
Post('photos/:id')(...methodOf('photo'));
Post('thumbnails/:id')(...methodOf('thumbnail'));
Req()(PhotosController.prototype, 'thumbnail', 0);
Controller()(PhotosController);
export class AppModule {}
Module({ controllers: [PhotosController] })(AppModule);
