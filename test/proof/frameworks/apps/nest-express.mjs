import { run } from './nest.mjs';

await run();
