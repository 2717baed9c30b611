import express from 'express';

const photos = express.Router({ mergeParams: true });
photos.post('/photos/:id', (req, res) => {
  // The fix goes here.
});
const app = express();
app.use('/albums/:album', photos);
const server = app.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
