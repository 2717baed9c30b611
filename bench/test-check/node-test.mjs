import { after, before, it } from 'node:test';
import { define } from './clean.mjs';

define({ it, before, after });
