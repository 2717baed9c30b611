import type { HangUpOptions, HangUpRequest, HangUpResult, HangUpTarget } from './options.js';

export async function hangUp(
  target: HangUpTarget,
  request: HangUpRequest | string | Uint8Array,
  options: HangUpOptions,
): Promise<HangUpResult> {
  await Promise.resolve();
  throw new Error(`not yet: ${String(target)} ${String(request)} ${options.at}`);
}
