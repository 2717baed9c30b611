import { planReproduction, type ReproducibleLeak, type ReproductionPlan } from '../guard/reproduction.js';
import type { LeakReport } from '../leaks/report.js';

/** Methods that hangUp() sends without a body unless it is given one. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']);
/** As hangUp() counts bytes: more than the kernel takes of a connection that nobody reads. */
const STALLING_BYTES = 1_048_576;

/**
 * A test that makes this leak again, as code to copy, where `app` is the application, server or URL: a call of hangUp(), written
 * out where a person can read it, else through reproduce(). Undefined where the report does not say enough.
 */
export function hangUpCall(leak: LeakReport): string | undefined {
  let plan: ReproductionPlan;
  try {
    plan = planReproduction(leak);
  } catch {
    // No value is known that its route's pattern takes.
    return undefined;
  }
  if (plan.sends === 'nothing') return undefined;
  const written = writtenOut(plan);
  const names = written === undefined ? 'hangUp, reproduce' : 'hangUp';
  const call = written ?? `...reproduce(${JSON.stringify(neededOf(leak), null, 2)})`;
  return `import { ${names} } from 'close-wait-guard/testing';\n\nawait expect(hangUp(app, ${call})).toBeClosed();\n`;
}

function writtenOut(plan: ReproductionPlan): string | undefined {
  if (plan.sends === 'half-head') return `{}, { at: 'mid-headers' }`;
  if (plan.sends !== 'request') return undefined;
  const { method, path, body, leavesAt, readsOn } = plan;
  const asked = [`method: ${literal(method)}`, `path: ${literal(path)}`];
  if (body === 'stalling') asked.push(`body: ${STALLING_BYTES}`);
  // How much is left of it depends on the Node.js that the test runs on, and a frame is bytes.
  else if (body === 'abandoned' || body === 'frame') return undefined;
  else if (body === 'unread' && BODILESS.has(method)) return undefined;
  const how = [`at: ${literal(leavesAt)}`, ...(readsOn === undefined ? [] : [`readsOn: ${readsOn}`])];
  return `{ ${asked.join(', ')} }, { ${how.join(', ')} }`;
}

/** What is left of a report when reproduce() has all it needs. */
function neededOf(leak: LeakReport): ReproducibleLeak {
  const { kind, cause, reason, side, method, route, path, requestedBy, waitsFor } = leak;
  const { takenBytes, unreadKernelBytes, unreadStreamBytes } = leak;
  return {
    ...{ kind, cause, reason, side, method, route, path, requestedBy, waitsFor },
    ...{ takenBytes, unreadKernelBytes, unreadStreamBytes },
  };
}

/** A string of JavaScript, in single quotes. */
function literal(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${inner}'`;
}
