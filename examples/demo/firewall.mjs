/** Drops RSTs in this network namespace, as stateful firewalls do with packets of connections they do not know. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** The default is one of the other two; which of them works depends on the kernel's modules. */
const TOOLS = ['iptables', 'iptables-nft', 'iptables-legacy'];
export const RULE = ['OUTPUT', '-p', 'tcp', '--tcp-flags', 'RST', 'RST', '-j', 'DROP'];

/** @returns {{ tool: string, dropped: () => number } | { missing: string }} */
export function dropResets() {
  const refusals = [];
  for (const tool of TOOLS) {
    const { error, status, stderr } = run(tool, ['-A', ...RULE]);
    if (status === 0) return { tool, dropped: () => droppedBy(tool) };
    if (error === undefined) refusals.push(`\`${tool}\` says "${stderr.trim().split('\n')[0]}"`);
  }
  if (refusals.length === 0) return { missing: 'there is no `iptables` here: apt-get install iptables' };
  return {
    missing: `no rule can be set: ${refusals.join(', ')}. The kernel needs its nf_tables or ip_tables module: modprobe nf_tables`,
  };
}

/** How many packets the rule has caught. */
function droppedBy(tool) {
  const rule = run(tool, ['-nvxL', 'OUTPUT'])
    .stdout.split('\n')
    .find((line) => line.includes('DROP'));
  return Number(rule?.trim().split(/\s+/)[0]);
}

function run(tool, args) {
  // iptables-legacy's own lock file is one that only the real root may write.
  const lock = path.join(os.tmpdir(), `close-wait-guard-demo-${process.pid}.lock`);
  try {
    return spawnSync(tool, args, { encoding: 'utf8', env: { ...process.env, XTABLES_LOCKFILE: lock } });
  } finally {
    rmSync(lock, { force: true });
  }
}
