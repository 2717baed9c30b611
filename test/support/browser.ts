import type { Browser } from 'playwright-core';
import type { TestContext } from 'vitest';

export { axeFindings, launchChromium, LOOKS } from '../../scripts/chromium.mjs';

export function skipWithout(browser: Browser | undefined, context: TestContext): asserts browser is Browser {
  context.skip(browser === undefined, 'there is no Chromium (scripts/install-test-tools.sh)');
}
