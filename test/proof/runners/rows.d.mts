import type { Row } from './play.mjs';

export const rows: readonly Row[];
