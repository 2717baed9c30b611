import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './programs.js';

const folder = path.join(root, 'test/fixtures/tls');

/** A key and a self-signed certificate for localhost; see the README beside them. */
export const localhost = Object.freeze({
  key: readFileSync(path.join(folder, 'key.pem'), 'latin1'),
  cert: readFileSync(path.join(folder, 'cert.pem'), 'latin1'),
});
