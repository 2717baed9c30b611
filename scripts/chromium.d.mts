import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

export function launchChromium(): Promise<Browser | undefined>;
export const LOOKS: readonly (readonly [name: string, options: BrowserContextOptions])[];
export function axeFindings(page: Page): Promise<string[]>;
