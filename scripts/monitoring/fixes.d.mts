export const FIXES: Readonly<Record<string, string>>;
