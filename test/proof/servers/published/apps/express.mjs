import { Readable } from 'node:stream';
import express from 'express';
import multer from 'multer';

const piece = Buffer.alloc(64 * 1024, 'e');
const app = express();
const items = express.Router();
items.get('/items/:id', (req, res) => res.json({ id: req.params.id }));
items.post('/items', express.json(), (req, res) => res.status(201).json(req.body));
app.use('/api/v1', items);
app.get('/large', (req, res) => void Readable.from(Array.from({ length: 400 }, () => piece)).pipe(res));
app.get('/poll', (req, res) => void setTimeout(() => res.send('at last'), 4000));
app.post('/upload', multer({ storage: multer.memoryStorage() }).any(), (req, res) =>
  res.send(`${req.files.length} files`),
);
// Answers without having read the body, as a check of permissions does.
app.post('/ignored', (req, res) => res.status(403).send('no'));
app.listen(Number(process.env.PORT), '127.0.0.1');
