import type { Stage } from './stage.js';

/** The warnings that this process emits until the stage is cleared: filled as they come, which is in a later turn. */
export function warningsDuring(stage: Stage): Error[] {
  const warnings: Error[] = [];
  const warned = (warning: Error): void => void warnings.push(warning);
  process.on('warning', warned);
  stage.defer(() => process.off('warning', warned));
  return warnings;
}
