/**
 * What some work takes of the processor, ms. For tests that tell linear time from what would take minutes: what else the machine does has no
 * say in it, and no speed is asked for.
 */
export function cpuMsOf(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1_000;
}
