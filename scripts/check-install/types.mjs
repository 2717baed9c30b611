// Type-checks a user's file against the packed types: each TypeScript, each way it resolves modules, with and without the
// packages that the types mention, and with `skipLibCheck` off.
import fs from 'node:fs';
import path from 'node:path';
import { cached, nodeBinary } from '../npm-cache.mjs';
import { pooled, run } from './run.mjs';
import { printTable } from './table.mjs';
import { fixtures, root } from './tarball.mjs';

const VERSIONS = ['5.4', '5.9', '6', '7'];
/** The oldest and the usual one, and a way each in which they have failed. */
const SHORT = ['5.4 node16', '5.4 node10', '5.9 nodenext', '7 bundler'];
/** How a project resolves modules, and the name of its file: .mts and .cts say what they are. */
const SETTINGS = [
  { name: 'nodenext', module: 'nodenext', resolution: 'nodenext', files: ['app.mts', 'app.cts'] },
  { name: 'node16', module: 'node16', resolution: 'node16', files: ['app.mts', 'app.cts'] },
  { name: 'bundler', module: 'esnext', resolution: 'bundler', files: ['app.ts'] },
  // Deprecated in 6, gone in 7.
  { name: 'node10', module: 'commonjs', resolution: 'node10', files: ['app.ts'], until: 6 },
];
const PROJECTS = { full: ['fastify', 'prom-client', '@types/node'], bare: ['@types/node'] };

export async function checkTypes({ tarball, work, jobs, short }) {
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const folders = {};
  for (const [project, packages] of Object.entries(PROJECTS)) {
    folders[project] = await projectOf(project, packages, devDependencies, tarball, work);
  }
  const combinations = VERSIONS.flatMap((version) =>
    SETTINGS.filter(({ name, until = Infinity }) =>
      short ? SHORT.includes(`${version} ${name}`) : Number.parseFloat(version) <= until,
    ).flatMap((setting) => Object.keys(PROJECTS).map((project) => ({ version, setting, project }))),
  );
  const results = await pooled(
    combinations.map((combination) => () => check(combination, folders[combination.project])),
    jobs,
  );
  printTable(
    ['typescript', 'resolution', 'project', 'types'],
    results.map(({ version, setting, project, ours }) => [
      version,
      setting.name,
      project,
      ours.length === 0 ? 'ok' : 'FAILED',
    ]),
  );
  const told = (list) =>
    results.flatMap((result) =>
      result[list]
        .slice(0, 3)
        .map((line) => `TypeScript ${result.version} ${result.setting.name} ${result.project}: ${line}`),
    );
  return {
    passed: results.filter(({ ours }) => ours.length === 0).length,
    failed: told('ours'),
    notCounted: told('theirs'),
  };
}

/** A folder with these packages and the unpacked tarball in node_modules. */
async function projectOf(project, packages, ranges, tarball, work) {
  const specs = packages.map((name) => `${name}@${ranges[name].replace(/^\^/, '')}`);
  const store = path.join(cached(`types-${specs.join('+').replaceAll('/', '-')}`, specs), 'node_modules');
  const folder = path.join(work, `types-${project}`);
  const own = path.join(folder, 'node_modules', 'close-wait-guard');
  fs.mkdirSync(own, { recursive: true });
  for (const name of packages) {
    const link = path.join(folder, 'node_modules', name);
    fs.mkdirSync(path.dirname(link), { recursive: true });
    fs.symlinkSync(path.join(store, name), link);
  }
  const { code, output } = await run(['tar', '-xzf', tarball, '--strip-components=1', '-C', own], { cwd: folder });
  if (code !== 0) throw new Error(`tar failed:\n${output}`);
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  for (const name of ['app.ts', 'app.mts', 'app.cts']) {
    fs.copyFileSync(path.join(fixtures, 'types', `${project}.ts`), path.join(folder, name));
  }
  return folder;
}

async function check({ version, setting, project }, folder) {
  const tsc = path.join(cached(`typescript-${version}`, [`typescript@${version}`]), 'node_modules/typescript/bin/tsc');
  const configuration = path.join(folder, `tsconfig-${version}-${setting.name}.json`);
  const compilerOptions = {
    ...{ target: 'es2022', strict: true, noEmit: true, types: ['node'], skipLibCheck: false, esModuleInterop: true },
    // TypeScript's own are not in question, and take most of the time.
    skipDefaultLibCheck: true,
    ...{ module: setting.module, moduleResolution: setting.resolution },
    ...(setting.until && Number.parseFloat(version) >= 6 ? { ignoreDeprecations: '6.0' } : {}),
  };
  fs.writeFileSync(configuration, JSON.stringify({ compilerOptions, files: setting.files }));
  // TypeScript 7 is a program of its own, which its script starts.
  const { code, output } = await run([nodeBinary('22'), tsc, '-p', configuration], { cwd: folder });
  const errors = output.split('\n').filter((line) => /error TS\d+/.test(line));
  if (code !== 0 && errors.length === 0) errors.push(`app: ${output.trim().slice(0, 200)}`);
  // What other packages' types have to say to this TypeScript is no fault of ours.
  const isOurs = (line) => /^(app\b|tsconfig|error)|close-wait-guard/.test(line);
  return {
    ...{ version, setting, project },
    ours: errors.filter(isOurs),
    theirs: errors.filter((line) => !isOurs(line)),
  };
}
