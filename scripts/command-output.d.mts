export const page: string;
export function withOutput(text: string): Promise<string>;
