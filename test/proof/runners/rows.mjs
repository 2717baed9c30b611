/**
 * The test runners, each with the Node it is run on. `spec` is what npm installs; without it the devDependency is meant, or
 * Node's own. `play` says which of the commands of play.mjs it is, `mostS`
 * how long it may take, where that is more than 20 s.
 */
export const rows = [
  { runner: 'vitest 3.2', spec: 'vitest@3.2', node: '20', play: 'vitest' },
  { runner: 'vitest 4', node: '20', play: 'vitest' },
  { runner: 'vitest 5', spec: 'vitest@5', node: '24', play: 'vitest' },
  { runner: 'vitest 4, known leaks', node: '20', play: 'vitestKnown' },
  { runner: 'jest 29, CommonJS', spec: 'jest@29', node: '20', play: 'jest' },
  { runner: 'jest 29, ES modules', spec: 'jest@29', node: '20', play: 'jestModules' },
  { runner: 'jest 30, CommonJS', node: '20', play: 'jest' },
  { runner: 'jest 30, ES modules', node: '20', play: 'jestModules' },
  { runner: 'node:test of Node 20', node: '20', play: 'nodeTest' },
  { runner: 'node:test of Node 22', node: '22', play: 'nodeTest' },
  { runner: 'node:test of Node 24', node: '24', play: 'nodeTest' },
  { runner: 'node:test of Node 26', node: '26', play: 'nodeTest' },
  { runner: 'mocha 11', node: '20', play: 'mocha' },
  { runner: 'tap 21', spec: 'tap@21', node: '20', play: 'tap' },
  // It starts three processes, each of which loads all of Playwright.
  { runner: 'Playwright Test 1', spec: '@playwright/test@1', node: '20', play: 'playwright', mostS: 60 },
];
