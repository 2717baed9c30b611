import Koa from 'koa';
import { koaBody } from 'koa-body';
import serve from 'koa-static';

const app = new Koa();
app.silent = true;
app.use(serve('site'));
app.use(koaBody({ multipart: true }));
app.use((context) => {
  context.body = { body: context.request.body, files: Object.keys(context.request.files ?? {}) };
});
app.listen(Number(process.env.PORT), '127.0.0.1');
