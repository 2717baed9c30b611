import fs from 'node:fs';
import http2 from 'node:http2';

const [cert, key] = ['cert', 'key'].map((name) => fs.readFileSync(`${process.env.TLS_FOLDER}/${name}.pem`));
const server = http2.createSecureServer({ cert, key, allowHTTP1: true }, (req, res) => {
  // The fix goes here.
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
