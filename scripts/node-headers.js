/**
 * Where Node's headers are: where npm's `nodedir` says, else beside the node that runs this (bin/node and include/node, as
 * its archives and Debian packages lay it out), else in node-gyp's download cache. Only the last needs a network.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The folder that has include/node, or undefined where node-gyp has to download it. */
export function nodeDir() {
  return process.env.npm_config_nodedir ?? headersBesideNode();
}

export function nodeGypCache() {
  return (
    process.env.npm_config_devdir ??
    path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'node-gyp')
  );
}

/** The folder of node_api.h, or undefined where there is none yet. */
export function nodeIncludeDir() {
  const folder = path.join(nodeDir() ?? path.join(nodeGypCache(), process.versions.node), 'include', 'node');
  return fs.existsSync(path.join(folder, 'node_api.h')) ? folder : undefined;
}

function headersBesideNode() {
  const prefix = path.dirname(path.dirname(process.execPath));
  const header = path.join(prefix, 'include', 'node', 'node_version.h');
  if (!fs.existsSync(header)) return undefined;
  const text = fs.readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map((part) => text.match(`#define NODE_${part}_VERSION (\\d+)`)?.[1]);
  return version.join('.') === process.versions.node ? prefix : undefined;
}
