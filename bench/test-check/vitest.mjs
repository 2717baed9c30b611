import { afterAll, beforeAll, it } from 'vitest';
import { define } from './clean.mjs';

define({ it, before: beforeAll, after: afterAll });
