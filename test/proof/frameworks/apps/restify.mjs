import restify from 'restify';

const server = restify.createServer();
server.post('/albums/:album/photos/:id', (req, res, next) => {
  // The fix goes here.
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
