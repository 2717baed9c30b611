export interface Trend {
  readonly slope: number;
  readonly lowest: number;
  readonly highest: number;
}

export declare function trend(points: readonly (readonly [x: number, y: number])[]): Trend;
