// Takes src/ as it stands, without a build: each file is transpiled by itself, once for each content, into build/simulator.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export const root = path.join(import.meta.dirname, '../..');
/** Loaded only where something is to be transpiled: it takes longer than all the rest. */
const { version } = createRequire(import.meta.url)('typescript/package.json');
const cache = path.join(root, 'build/simulator/cache');

/** The folders of src/ that the simulator loads, or that those import. */
const FOLDERS = ['apis', 'base', 'guard', 'kernel', 'layers', 'leaks', 'routes', 'sockets'];

/** The modules that the simulator drives, of a checkout's src/. @param out where the JavaScript goes */
export async function loadLibrary(source = path.join(root, 'src'), out = path.join(root, 'build/simulator/src')) {
  await transpile(source, out);
  const load = (file) => import(pathToFileURL(path.join(out, file)).href);
  const parts = await Promise.all(
    [
      'base/vocabulary.js',
      'guard/decisions.js',
      'guard/descriptions.js',
      'guard/ignore.js',
      'guard/intake.js',
      'guard/leak-facts.js',
      'guard/leak-teller.js',
      'guard/ledger.js',
      'guard/reporters.js',
      'kernel/native.js',
      'layers/node-internals.js',
      'layers/stack.js',
      'leaks/diagnosis.js',
      'leaks/loop-clock.js',
      'leaks/tracker.js',
      'sockets/half-closed-sockets.js',
      'sockets/states.js',
      'sockets/suspect-reader.js',
      'sockets/suspect.js',
      'sockets/watched-socket.js',
    ].map(load),
  );
  return Object.assign({}, ...parts);
}

async function transpile(source, out) {
  for (const folder of FOLDERS) {
    const files = fs.readdirSync(path.join(source, folder), { recursive: true, encoding: 'utf8' });
    for (const file of files.map((name) => path.join(folder, name)).filter((name) => /\.c?ts$/.test(name))) {
      const target = path.join(out, file.replace(/ts$/, 'js'));
      writeIfChanged(target, await javascriptOf(path.join(source, file)));
    }
  }
  writeIfChanged(path.join(out, 'package.json'), '{ "type": "module" }\n');
}

async function javascriptOf(file) {
  const text = fs.readFileSync(file, 'utf8');
  const isCommon = file.endsWith('.cts');
  const key = createHash('sha256').update(`${version} ${isCommon}\n${text}`).digest('hex');
  const cached = path.join(cache, `${key}.js`);
  if (fs.existsSync(cached)) return fs.readFileSync(cached, 'utf8');
  const { default: ts } = await import('typescript');
  const { outputText } = ts.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: isCommon ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext,
      verbatimModuleSyntax: !isCommon,
    },
  });
  writeIfChanged(cached, outputText);
  return outputText;
}

/** Into place in one step: several runs may do it at once. */
function writeIfChanged(file, text) {
  if (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === text) return;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}`;
  fs.writeFileSync(draft, text);
  fs.renameSync(draft, file);
}
