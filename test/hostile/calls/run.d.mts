export interface Job {
  readonly scenarios: readonly string[];
  readonly older?: boolean;
  /** Cells of one call. @default until a pass is clean */
  readonly atMost?: number;
  readonly only?: string;
}

export interface CallResult {
  readonly scenario: string;
  readonly older: boolean;
  readonly call: string;
  readonly cells: number;
  readonly faults: readonly string[];
  readonly counted: readonly string[];
}

export declare function playAll(
  jobs: readonly Job[],
  options?: { readonly deadlineMs?: number },
): Promise<CallResult[]>;
