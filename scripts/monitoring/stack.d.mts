export const missing: string | undefined;
export function hurried(rules: string): string;
export function waitFor<T>(what: string, condition: () => T | Promise<T>, timeoutMs?: number): Promise<NonNullable<T>>;

export interface Notice {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly atMs: number;
}

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: [number, string];
}

export class MonitoringStack {
  readonly notices: Notice[];
  constructor(options?: { readonly hurries?: boolean });
  start(targets: readonly number[]): Promise<void>;
  query(expr: string): Promise<readonly Sample[]>;
  exemplars(
    metric: string,
  ): Promise<readonly { readonly exemplars: readonly { readonly labels: Record<string, string> }[] }[]>;
  alerts(): Promise<readonly { readonly labels: Record<string, string>; readonly state: string }[]>;
  notice(status: Notice['status'], labels: Readonly<Record<string, string>>, timeoutMs?: number): Promise<Notice>;
  stop(): Promise<void>;
}
