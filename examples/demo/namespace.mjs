/**
 * Runs the collision in a user and network namespace of its own: there anybody may set tcp_fin_timeout and drop packets,
 * and nothing of it reaches the machine outside. What a machine lacks for that is said in words, and is not a failure.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { searchPath } from './kernel.mjs';
import { notShown } from './print.mjs';

/** A new user namespace makes us root in the new network namespace; where it is forbidden, real root needs none. */
const WAYS_IN = [['-Urn'], ['-n']];

export async function runCollision() {
  const env = { ...process.env, PATH: searchPath() };
  const obstacle = whatIsMissing(env);
  if (typeof obstacle === 'string') {
    notShown('the collision', obstacle);
    return 0;
  }
  const program = fileURLToPath(new URL('collision.mjs', import.meta.url));
  const inside = spawn('unshare', [...obstacle.way, process.execPath, program, readlinkSync('/proc/self/ns/net')], {
    env,
    stdio: 'inherit',
  });
  process.once('exit', () => inside.kill());
  const [code] = await once(inside, 'exit');
  return code ?? 1;
}

/** Why it cannot be shown here, or the flags of `unshare` with which it can. */
function whatIsMissing(env) {
  if (process.platform !== 'linux') return `network namespaces are Linux's, and this is ${process.platform}.`;
  for (const [tool, debianPackage] of [
    ['unshare', 'util-linux'],
    ['ip', 'iproute2'],
  ]) {
    if (spawnSync(tool, ['-V'], { env }).error) return `there is no \`${tool}\` here: apt-get install ${debianPackage}`;
  }
  const refusals = [];
  for (const way of WAYS_IN) {
    const tried = spawnSync('unshare', [...way, 'ip', 'link', 'set', 'lo', 'up'], { env, encoding: 'utf8' });
    if (tried.status === 0) return { way };
    refusals.push(`\`unshare ${way.join(' ')}\` says "${tried.stderr.trim().split('\n')[0]}"`);
  }
  return `a network namespace cannot be had (${refusals.join(', ')}). ${whyNoNamespace()}`;
}

/** The switches that distributions put before unprivileged user namespaces, where they are off. */
function whyNoNamespace() {
  if (setting('kernel/unprivileged_userns_clone') === '0') return 'Allow it: sysctl kernel.unprivileged_userns_clone=1';
  if (setting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'AppArmor forbids it; allow it: sysctl kernel.apparmor_restrict_unprivileged_userns=0';
  }
  if (setting('user/max_user_namespaces') === '0') return 'Allow it: sysctl user.max_user_namespaces=1000';
  return 'In a container the usual reason is its seccomp profile: docker run --privileged, or run the demo outside of it.';
}

function setting(name) {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1').trim();
  } catch (error) {
    // Most kernels have only some of these switches.
    if (error.code === 'ENOENT' || error.code === 'EACCES') return undefined;
    throw error;
  }
}
