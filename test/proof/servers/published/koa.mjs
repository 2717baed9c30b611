import { FORM, JSON_BODY, SITE, get, post } from '../requests.mjs';

export default {
  packages: ['koa@3', 'koa-body@8', 'koa-static@5'],
  mode: 'with koa-body and koa-static',
  files: SITE,
  app: 'koa.mjs',
  requests: [get('/index.html'), get('/large.bin', { large: true }), post('/items', JSON_BODY), post('/upload', FORM)],
};
