import type { LeakCause } from '../../base/vocabulary.js';
import type { Cause } from './cause.js';
import { detachedHandle } from './detached-handle.js';
import { halfOpenNotEnded } from './half-open-not-ended.js';
import { heldByAnotherProcess } from './held-by-another-process.js';
import { neverRead } from './never-read.js';
import { notOwnedByThisThread } from './not-owned-by-this-thread.js';
import { paused } from './paused.js';
import { pipelinedBehindPendingResponse } from './pipelined-behind-pending-response.js';
import { requestBodyAbandoned } from './request-body-abandoned.js';
import { requestBodyNotRead } from './request-body-not-read.js';
import { responseBodyNotRead } from './response-body-not-read.js';
import { responseNotEnded } from './response-not-ended.js';
import { unknown } from './unknown.js';
import { writeStalled } from './write-stalled.js';

/** The compiler names a cause of LEAK_CAUSES that is missing here, or that stands under another one's name. */
export const CAUSES: { readonly [Name in LeakCause]: Cause<Name> } = {
  'never-read': neverRead,
  paused,
  'half-open-not-ended': halfOpenNotEnded,
  'response-not-ended': responseNotEnded,
  'request-body-not-read': requestBodyNotRead,
  'request-body-abandoned': requestBodyAbandoned,
  'response-body-not-read': responseBodyNotRead,
  'pipelined-behind-pending-response': pipelinedBehindPendingResponse,
  'write-stalled': writeStalled,
  'detached-handle': detachedHandle,
  'not-owned-by-this-thread': notOwnedByThisThread,
  'held-by-another-process': heldByAnotherProcess,
  unknown,
};
