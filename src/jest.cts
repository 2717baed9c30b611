// eslint-disable-next-line @typescript-eslint/no-require-imports -- how TypeScript writes require() in CommonJS
import runner = require('./testing/runners/jest.cjs');

export = runner;
