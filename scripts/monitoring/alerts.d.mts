export interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
  readonly description: string;
}
export const alerts: readonly Alert[];
export const recordings: readonly { readonly record: string; readonly expr: string }[];
