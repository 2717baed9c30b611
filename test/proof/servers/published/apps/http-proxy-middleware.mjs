import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

const app = express();
app.use('/api', createProxyMiddleware({ target: `http://127.0.0.1:${process.env.UPSTREAM_PORT}`, ws: true }));
app.get('/', (req, res) => res.send('front'));
app.listen(Number(process.env.PORT), '127.0.0.1');
