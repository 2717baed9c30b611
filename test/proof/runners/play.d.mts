export interface Row {
  readonly runner: string;
  readonly spec?: string;
  readonly node?: string;
  readonly play: string;
  readonly mostS?: number;
}

export interface Played {
  readonly printed: string;
  readonly red: readonly string[];
  readonly green: readonly string[];
  readonly first: string;
  readonly seconds: number;
  readonly ended: boolean;
}

export function play(row: Row): Promise<Played>;
export function faultsOf(row: Row, played: Played): readonly string[];
export function snippets(): Readonly<Record<string, { readonly code: string; readonly file: string | undefined }>>;
