export function quantile(values: readonly number[], q: number): number;
export function median(values: readonly number[]): number;
export interface Interval {
  readonly low: number;
  readonly high: number;
  readonly coverage: number;
}
export function medianInterval(values: readonly number[], confidence?: number): Interval;
export function shuffled<T>(values: readonly T[], random?: () => number): T[];
