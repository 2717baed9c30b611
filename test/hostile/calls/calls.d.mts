export declare const CALLS: Readonly<Record<string, readonly number[]>>;
export declare const SYMBOLS: Readonly<Record<string, readonly string[]>>;
export declare function symbolsOf(addon: string): string[];
