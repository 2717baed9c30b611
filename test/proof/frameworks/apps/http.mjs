import http from 'node:http';

const server = http.createServer((req, res) => {
  // The fix goes here.
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
