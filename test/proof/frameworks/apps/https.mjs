import fs from 'node:fs';
import https from 'node:https';

const [cert, key] = ['cert', 'key'].map((name) => fs.readFileSync(`${process.env.TLS_FOLDER}/${name}.pem`));
const server = https.createServer({ cert, key }, (req, res) => {
  // The fix goes here.
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
