// The library warns once a thread; the cells of one process each begin anew.
import { shared } from '../../../dist/base/shared-state.js';

export const warningsSaid = shared('said', () => new Set());
